// The SSH server of a rented machine: one static program that is copied into the pod of any image.
//
//	sshd install DIR   copies the program to DIR/sshd (the init container, whose file system has nothing else)
//	sshd serve …       serves logins with keys, as the first process of the container, and runs the job's main program
//	sshd sftp          serves one SFTP session on its standard input and output; `serve` starts it
//	sshd scp …         is the remote side of `scp -O`, where the image has none; `serve` starts it
//
// It needs no file of the image: no shell, no passwd, no library. It writes to the file system only what a client has it
// forward (sockets, which go with their connection), and the folder of the main program where that is missing.
package main

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
)

const usage = `usage: sshd install DIR
       sshd serve --authorized-keys FILE --host-key FILE [--address ADDRESS] [--port PORT] [--program FILE] [--await-look]
             [--observer-key KEY]
       sshd sftp
       sshd scp -t|-f [-r] [-p] [-d] PATH …
`

func main() {
	if len(os.Args) < 2 {
		fail(2, usage)
	}
	command, args := os.Args[1], os.Args[2:]
	switch command {
	case "install":
		if len(args) != 1 {
			fail(2, usage)
		}
		if err := install(args[0]); err != nil {
			fail(1, fmt.Sprintf("sshd: %v\n", err))
		}
	case "serve":
		settings, err := readSettings(args, os.Stderr)
		if err != nil {
			fail(2, "")
		}
		if err := ownWay(); err != nil {
			fail(1, fmt.Sprintf("sshd: %v\n", err))
		}
		exitCode, err := serveUntilStopped(settings, usualTimes, os.Stdout)
		if err != nil {
			fail(1, fmt.Sprintf("sshd: %v\n", err))
		}
		os.Exit(exitCode)
	case "sftp":
		if err := serveFiles(os.Stdin, os.Stdout); err != nil {
			fail(1, fmt.Sprintf("sftp: %v\n", err))
		}
	case "scp":
		os.Exit(copyFiles(args, os.Stdin, os.Stdout, os.Stderr))
	default:
		fail(2, usage)
	}
}

func fail(code int, text string) {
	fmt.Fprint(os.Stderr, text)
	os.Exit(code)
}

type settings struct {
	address        string
	port           uint
	authorizedKeys string
	hostKey        string
	program        string
	awaitLook      bool
	observerKey    string
}

// All settings are flags: the variables of the container belong to its user, and every session gets them unchanged.
func readSettings(args []string, output io.Writer) (settings, error) {
	var given settings
	flags := flag.NewFlagSet("sshd serve", flag.ContinueOnError)
	flags.SetOutput(output)
	flags.StringVar(&given.address, "address", "", "where to listen; empty: every address")
	flags.UintVar(&given.port, "port", 2222, "0 takes a free port")
	flags.StringVar(&given.authorizedKeys, "authorized-keys", "", "public keys that may log in, one a line, without options")
	flags.StringVar(&given.hostKey, "host-key", "", "private key of the server, PEM")
	flags.StringVar(&given.program, "program", "", "the job's main program, JSON; empty: there is none")
	flags.BoolVar(&given.awaitLook, "await-look", false, "let nobody in before the broker has looked at the port")
	flags.StringVar(&given.observerKey, "observer-key", "", "public key that may ask what the job uses, and nothing else")
	if err := flags.Parse(args); err != nil {
		return given, err
	}
	if flags.NArg() > 0 || given.authorizedKeys == "" || given.hostKey == "" {
		fmt.Fprint(output, usage)
		return given, fmt.Errorf("incomplete arguments")
	}
	return given, nil
}

// serveUntilStopped answers with the exit code of the container: that of the main program, if the job ends with it.
func serveUntilStopped(given settings, times programTimes, output io.Writer) (exitCode int, err error) {
	log := slog.New(slog.NewTextHandler(output, nil))
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	// Caught and not ignored: what is ignored stays ignored in every program that is started from here, and a shell
	// without SIGHUP would outlive its terminal.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGPIPE)
	server, err := newServer(given, log)
	if err != nil {
		return 0, err
	}
	if given.awaitLook {
		times = times.afterLook()
	}
	program, err := mainProgramOf(given, times, server, output)
	if err != nil {
		return 0, err
	}
	opened, err := server.listen()
	if err != nil {
		return 0, err
	}
	listener := &awaitedListener{Listener: opened, reached: make(chan struct{})}
	log.Info("listening", "address", listener.Addr().String(), "host_key", ssh.FingerprintSHA256(server.hostKeys.pinned.PublicKey()))
	reached := listener.reached
	if given.awaitLook {
		server.door.opensAfter(opensWithin)
		reached = server.door.open
	}
	ended := make(chan error, 1)
	go func() { ended <- server.serve(listener) }()
	stopWatching := make(chan struct{})
	defer close(stopWatching)
	go server.watchUse(times, reached, stopWatching)
	programEnded := make(chan int, 1)
	if program != nil {
		go func() {
			code := program.run(reached)
			if program.spec.EndWithCommand {
				programEnded <- code
			}
		}()
	}
	select {
	case err := <-ended:
		return 0, err
	case exitCode = <-programEnded:
		log.Info("the main program has ended, and the job with it", "exit_code", exitCode)
	case <-stop:
		log.Info("stopping")
		if program != nil && program.spec.EndWithCommand {
			exitCode = program.codeWhenStopped()
		}
	}
	listener.Close()
	if program != nil {
		program.end()
	}
	server.closeAll()
	if program != nil {
		program.kill()
		program.output.drain(times.drainWithin)
	}
	return exitCode, nil
}

func mainProgramOf(given settings, times programTimes, server *server, output io.Writer) (*mainProgram, error) {
	if given.program == "" {
		return nil, nil
	}
	spec, err := readProgram(given.program)
	if err != nil {
		return nil, err
	}
	pump, err := newOutputPump(output)
	if err != nil {
		return nil, err
	}
	return newMainProgram(*spec, times, server, pump), nil
}

// awaitedListener says when somebody has connected for the first time.
type awaitedListener struct {
	net.Listener
	once    sync.Once
	reached chan struct{}
}

func (l *awaitedListener) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	if err == nil {
		l.once.Do(func() { close(l.reached) })
	}
	return connection, err
}

// Package trials has the client of OpenSSH do with the server what people do with it. It is apart from the server's own
// tests because the server waits for every child of its process, and would take the results of those that a test starts.
package trials

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// The built server.
var program string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "ssh-server-")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(folder, "sshd")
	if output, err := exec.Command("go", "build", "-o", program, "..").CombinedOutput(); err != nil {
		panic(string(output))
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

type server struct {
	port, keys string
	host       ssh.PublicKey
	// Who may log in.
	private ed25519.PrivateKey
}

func newKey(t *testing.T) (ssh.PublicKey, ed25519.PrivateKey, []byte) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	public, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	return public, private, pem.EncodeToMemory(block)
}

// start runs a server with the environment that a container would have.
func start(t *testing.T, env ...string) *server {
	t.Helper()
	needs(t, "ssh")
	folder := t.TempDir()
	user, private, _ := newKey(t)
	host, _, hostText := newKey(t)
	keys := write(t, folder, "authorized_keys", ssh.MarshalAuthorizedKey(user))
	command := exec.Command(program, "serve", "--address", "127.0.0.1", "--port", "0",
		"--authorized-keys", keys, "--host-key", write(t, folder, "host_key", hostText))
	// A shell that thinks itself the first one behind an SSH server reads ~/.bashrc, which is whoever's runs the tests.
	command.Env = append(append(os.Environ(), "SHLVL=2"), env...)
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`listening.*127\.0\.0\.1:(\d+)`).FindStringSubmatch(line); found != nil {
			go lines.WriteTo(&logText{})
			return &server{found[1], keys, host, private}
		}
	}
}

func write(t *testing.T, folder, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logText) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// openssh is the client, with the key and the known_hosts of one server.
type openssh struct {
	t       *testing.T
	folder  string
	options []string
	port    string
	env     []string
}

func clientOf(t *testing.T, server *server) *openssh {
	t.Helper()
	folder := t.TempDir()
	block, err := ssh.MarshalPrivateKey(server.private, "")
	if err != nil {
		t.Fatal(err)
	}
	id := write(t, folder, "id", pem.EncodeToMemory(block))
	known := write(t, folder, "known_hosts", fmt.Appendf(nil, "[127.0.0.1]:%s %s", server.port, ssh.MarshalAuthorizedKey(server.host)))
	options := []string{
		"-F", "none", "-i", id, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
		"-o", "UserKnownHostsFile=" + known, "-o", "GlobalKnownHostsFile=none", "-o", "ExitOnForwardFailure=yes",
	}
	return &openssh{t: t, folder: folder, options: options, port: server.port}
}

func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("this system has no %s", program)
		}
	}
}

func (o *openssh) command(args ...string) *exec.Cmd {
	all := append(append([]string{}, o.options...), "-p", o.port)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	o.t.Cleanup(cancel)
	command := exec.CommandContext(ctx, "ssh", append(all, args...)...)
	command.Env = append(os.Environ(), o.env...)
	return command
}

// run logs in; `args` are options, then root@127.0.0.1, then what is run there.
func (o *openssh) run(input string, args ...string) (stdout, stderr string, code int) {
	o.t.Helper()
	return outcome(o.t, o.command(args...), input)
}

func outcome(t *testing.T, command *exec.Cmd, input string) (stdout, stderr string, code int) {
	t.Helper()
	var out, complaints bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &out, &complaints
	if err := command.Run(); err != nil && command.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), complaints.String(), command.ProcessState.ExitCode()
}

// stay keeps a connection open until the end of the test, or until the answer is called.
func (o *openssh) stay(args ...string) (leave func()) {
	o.t.Helper()
	command := o.command(append([]string{"-o", "LogLevel=DEBUG1"}, args...)...)
	var said logText
	command.Stderr = &said
	if err := command.Start(); err != nil {
		o.t.Fatal(err)
	}
	leave = func() {
		command.Process.Kill()
		command.Wait()
	}
	o.t.Cleanup(leave)
	eventually(o.t, "the client is in", func() bool {
		return strings.Contains(said.String(), "Entering interactive session") || strings.Contains(said.String(), "multiplexing control connection")
	})
	return leave
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in time: " + what)
		}
	}
}

const there = "root@127.0.0.1"

func ask(t *testing.T, network, address string) (string, error) {
	t.Helper()
	connection, err := net.DialTimeout(network, address, 5*time.Second)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(5 * time.Second))
	var said bytes.Buffer
	_, err = said.ReadFrom(connection)
	return said.String(), err
}

// hears waits until a word is said there: a client asks for its forwardings and does not wait for the answers.
func hears(t *testing.T, network, address, word string) {
	t.Helper()
	eventually(t, address+" answers "+word, func() bool {
		said, _ := ask(t, network, address)
		return said == word
	})
}

// speaker answers each connection with a word.
func speaker(t *testing.T, network, address, word string) net.Listener {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			connection.Write([]byte(word))
			connection.Close()
		}
	}()
	return listener
}

func portOf(listener net.Listener) string {
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

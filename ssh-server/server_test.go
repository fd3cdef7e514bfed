package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// The test program stands in for the installed one: a server in a test serves SFTP by starting it again. It is also what
// tests start on the machine to have something listen there.
func TestMain(m *testing.M) {
	if len(os.Args) >= 2 {
		switch os.Args[1] {
		case "sftp", "scp":
			main()
			return
		case "answer":
			answerForEver(os.Args[2])
		}
	}
	// A shell that thinks itself the first one behind an SSH server reads ~/.bashrc, which is whoever's runs the tests.
	os.Setenv("SHLVL", "2")
	os.Exit(m.Run())
}

// answerForEver listens on loopback, prints its port and answers each connection with a word.
func answerForEver(word string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	os.Stdout.WriteString("listeningOn==" + port + "==\n")
	for {
		connection, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		io.WriteString(connection, word)
		connection.Close()
	}
}

func newKey(t *testing.T) (ssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, private
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// A server on loopback, and the key that may log in to it.
type testServer struct {
	*server
	address string
	hostKey ssh.PublicKey
	user    ssh.Signer
	private ed25519.PrivateKey
	logged  *logText
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

func start(t *testing.T, change func(*server)) *testServer {
	t.Helper()
	user, mine := newKey(t)
	host, private := newKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	logged := &logText{}
	started, err := newServer(settings{
		address:        "127.0.0.1",
		authorizedKeys: write(t, "authorized_keys", "# mine\n"+string(ssh.MarshalAuthorizedKey(user.PublicKey()))),
		hostKey:        write(t, "host_key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))),
	}, slog.New(slog.NewTextHandler(logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(started)
	}
	listener, err := started.listen()
	if err != nil {
		t.Fatal(err)
	}
	go started.serve(listener)
	t.Cleanup(func() {
		listener.Close()
		started.closeAll()
	})
	return &testServer{started, listener.Addr().String(), host.PublicKey(), user, mine, logged}
}

func (s *testServer) dial(user string, methods ...ssh.AuthMethod) (*ssh.Client, error) {
	return ssh.Dial("tcp", s.address, &ssh.ClientConfig{
		User: user, Auth: methods, HostKeyCallback: ssh.FixedHostKey(s.hostKey), Timeout: 5 * time.Second,
	})
}

func (s *testServer) login(t *testing.T) *ssh.Client {
	t.Helper()
	client, err := s.dial("root", ssh.PublicKeys(s.user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func (s *testServer) session(t *testing.T) *ssh.Session {
	t.Helper()
	session, err := s.login(t).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func exitStatus(t *testing.T, err error) int {
	t.Helper()
	var exit *ssh.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("no exit status: %v", err)
	}
	return exit.ExitStatus()
}

func TestOnlyTheAuthorizedKeyLogsIn(t *testing.T) {
	server := start(t, nil)
	server.login(t)
	stranger, _ := newKey(t)
	if _, err := server.dial("root", ssh.PublicKeys(stranger)); err == nil {
		t.Error("a stranger's key was accepted")
	}
	if _, err := server.dial("admin", ssh.PublicKeys(server.user)); err == nil {
		t.Error("another login name was accepted")
	}
	if _, err := server.dial("root", ssh.Password("")); err == nil || !strings.Contains(err.Error(), "attempted methods [none]") {
		t.Errorf("passwords seem to be offered: %v", err)
	}
}

func TestOutputErrorsAndExitStatusReachTheClient(t *testing.T) {
	session := start(t, nil).session(t)
	var stdout, stderr bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = strings.NewReader("in"), &stdout, &stderr
	err := session.Run(`cat; echo bad >&2; exit 7`)
	if exitStatus(t, err) != 7 || stdout.String() != "in" || stderr.String() != "bad\n" {
		t.Errorf("%v, %q, %q", err, stdout.String(), stderr.String())
	}
}

func TestLargeOutputIsComplete(t *testing.T) {
	output, err := start(t, nil).session(t).Output(`head -c 8000000 /dev/zero`)
	if err != nil || len(output) != 8_000_000 {
		t.Errorf("%d bytes, %v", len(output), err)
	}
}

func TestASignalReachesTheProgramAndItsEndIsReported(t *testing.T) {
	session := start(t, nil).session(t)
	stdout, _ := session.StdoutPipe()
	if err := session.Start(`echo ready; sleep 60`); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	if err := session.Signal(ssh.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var exit *ssh.ExitError
	if err := session.Wait(); !errors.As(err, &exit) || exit.Signal() != "TERM" {
		t.Errorf("%v", err)
	}
}

func TestTheContainersEnvironmentIsPassedOn(t *testing.T) {
	t.Setenv("WORLDLAND_GPU_COUNT", "3")
	session := start(t, nil).session(t)
	if err := session.Setenv("LC_ALL", "C.UTF-8"); err != nil {
		t.Errorf("LC_ALL: %v", err)
	}
	if err := session.Setenv("LD_PRELOAD", "/evil.so"); err == nil {
		t.Error("LD_PRELOAD was taken from the client")
	}
	output, err := session.Output(`echo $WORLDLAND_GPU_COUNT $LC_ALL $USER; test "$PWD" = "$HOME" && echo home; echo $SSH_CONNECTION | wc -w`)
	if got := strings.Join(strings.Fields(string(output)), " "); err != nil || got != "3 C.UTF-8 root home 4" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestATerminalHasTheClientsSizeAndModesAndFollowsItsWindow(t *testing.T) {
	session := start(t, nil).session(t)
	if err := session.RequestPty("xterm-256color", 40, 100, ssh.TerminalModes{ssh.ECHO: 0, ssh.VERASE: 8}); err != nil {
		t.Fatal(err)
	}
	stdin, _ := session.StdinPipe()
	stdout, _ := session.StdoutPipe()
	program := `stty size; stty -a | grep -o 'erase = [^;]*\|-echo\b'; echo $TERM; tty; read x
		while test "$(stty size)" = "40 100"; do sleep 0.02; done; stty size`
	if err := session.Start(program); err != nil {
		t.Fatal(err)
	}
	var seen strings.Builder
	until := func(text string) {
		t.Helper()
		buffer := make([]byte, 1024)
		for !strings.Contains(seen.String(), text) {
			count, err := stdout.Read(buffer)
			seen.Write(buffer[:count])
			if err != nil {
				t.Fatalf("%v after %q", err, seen.String())
			}
		}
	}
	until("/dev/pts/")
	for _, wanted := range []string{"40 100\r\n", "erase = ^H", "-echo", "xterm-256color"} {
		until(wanted)
	}
	if err := session.WindowChange(50, 120); err != nil {
		t.Fatal(err)
	}
	// The window change has no answer, and what reads the requests of a session is not what reads its input: the line
	// may be the first of the two to arrive.
	io.WriteString(stdin, "go\n")
	until("50 120")
	if err := session.Wait(); err != nil {
		t.Error(err)
	}
}

func TestATerminalEndsWithItsShellAlthoughABackgroundProgramHoldsIt(t *testing.T) {
	session := start(t, nil).session(t)
	if err := session.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	output, err := session.Output(`(trap '' HUP; exec sleep 20) & echo last words`)
	if err != nil || string(output) != "last words\r\n" {
		t.Errorf("%q, %v", output, err)
	}
}

func TestAProgramOnATerminalHearsThatItsClientIsGone(t *testing.T) {
	server := start(t, nil)
	session := server.session(t)
	marker := filepath.Join(t.TempDir(), "hung up")
	if err := session.RequestPty("xterm", 24, 80, nil); err != nil {
		t.Fatal(err)
	}
	stdout, _ := session.StdoutPipe()
	if err := session.Start(`trap 'touch "` + marker + `"; exit' HUP; echo ready; while :; do sleep 0.02; done`); err != nil {
		t.Fatal(err)
	}
	stdout.Read(make([]byte, 5))
	session.Close()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(marker); err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("no SIGHUP")
		}
	}
}

func TestFilesGoBothWays(t *testing.T) {
	files, err := sftp.NewClient(start(t, nil).login(t))
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	path := filepath.Join(t.TempDir(), "data")
	copied, err := files.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	wanted := bytes.Repeat([]byte("0123456789"), 100_000)
	if _, err := copied.Write(wanted); err != nil {
		t.Fatal(err)
	}
	copied.Close()
	back, err := files.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(back)
	if err != nil || !bytes.Equal(got, wanted) {
		t.Errorf("%d bytes back, %v", len(got), err)
	}
}

func TestOnlyLoopbackIsForwarded(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			io.Copy(connection, connection)
			connection.Close()
		}
	}()
	client := start(t, nil).login(t)
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	connection, err := client.Dial("tcp", "localhost:"+port)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(connection, "echo")
	connection.(interface{ CloseWrite() error }).CloseWrite()
	if got, err := io.ReadAll(connection); err != nil || string(got) != "echo" {
		t.Errorf("%q, %v", got, err)
	}
	for _, host := range []string{"169.254.169.254:80", "10.96.0.1:443", "example.org:80", "0.0.0.0:80", "[::]:80"} {
		if _, err := client.Dial("tcp", host); err == nil || !strings.Contains(err.Error(), "only localhost") {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestAnImageWithoutAShellSaysSo(t *testing.T) {
	server := start(t, func(server *server) { server.account.shell = "" })
	session := server.session(t)
	var stderr bytes.Buffer
	session.Stderr = &stderr
	if exitStatus(t, session.Run("id")) != 127 || !strings.Contains(stderr.String(), "no shell") {
		t.Errorf("%q", stderr.String())
	}
	if files, err := sftp.NewClient(server.login(t)); err != nil {
		t.Errorf("no SFTP: %v", err)
	} else {
		files.Close()
	}
}

func TestAShellThatCannotBeStartedIsNamed(t *testing.T) {
	broken := write(t, "shell", "no program")
	os.Chmod(broken, 0o755)
	session := start(t, func(server *server) { server.account.shell = broken }).session(t)
	var stderr bytes.Buffer
	session.Stderr = &stderr
	if exitStatus(t, session.Run("id")) != 126 || !strings.Contains(stderr.String(), broken) {
		t.Errorf("%q", stderr.String())
	}
}

func TestStoppingEndsTheSessions(t *testing.T) {
	server := start(t, nil)
	session := server.session(t)
	if err := session.Start("sleep 60"); err != nil {
		t.Fatal(err)
	}
	server.closeAll()
	if err := session.Wait(); err == nil {
		t.Error("the program ended by itself")
	}
	if client, err := server.dial("root", ssh.PublicKeys(server.user)); err == nil {
		if _, err := client.NewSession(); err == nil {
			t.Error("a session after the end")
		}
	}
}

func TestAStrangerWhoHoldsConnectionsKeepsOnlyItselfOut(t *testing.T) {
	var door admission
	address := func(host string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(host), Port: 1} }
	var leave func()
	for range maxPendingPerAddress {
		var ok bool
		if leave, ok = door.enter(address("192.0.2.1")); !ok {
			t.Fatal("refused too early")
		}
	}
	if _, ok := door.enter(address("192.0.2.1")); ok {
		t.Error("one address may hold any number")
	}
	if _, ok := door.enter(address("192.0.2.2")); !ok {
		t.Error("another address was kept out")
	}
	leave()
	if _, ok := door.enter(address("192.0.2.1")); !ok {
		t.Error("a place that was left is not free")
	}
	for host := 0; ; host++ {
		if _, ok := door.enter(&net.TCPAddr{IP: net.IPv4(198, 51, 100, byte(host))}); !ok {
			break
		}
		if host > maxPending {
			t.Fatal("there is no bound for all together")
		}
	}
}

func TestLoginsAreLoggedAndWhatIsRunIsNot(t *testing.T) {
	server := start(t, nil)
	if err := server.session(t).Run("true some-secret"); err != nil {
		t.Fatal(err)
	}
	server.closeAll()
	if text := server.logged.String(); !strings.Contains(text, ssh.FingerprintSHA256(server.user.PublicKey())) || strings.Contains(text, "secret") {
		t.Error(text)
	}
}

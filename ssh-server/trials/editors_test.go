package trials

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// What the remote editors do, by the commands that they send, with a program of ours in the place of theirs.

// listener is a program that listens on loopback of the machine and prints its port, as the editors' servers do.
func listener(t *testing.T, folder string) string {
	t.Helper()
	source := `package main

import ("fmt"; "net")

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil { panic(err) }
	fmt.Printf("listeningOn==%d==\n", listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		if err != nil { panic(err) }
		connection.Write([]byte("the editor's server"))
		connection.Close()
	}
}
`
	path := filepath.Join(folder, "server")
	file := write(t, folder, "main.go", []byte(source))
	if output, err := exec.Command("go", "build", "-o", path, file).CombinedOutput(); err != nil {
		t.Fatalf("%s", output)
	}
	return path
}

// throughSocks asks a port of the machine by the client's SOCKS proxy.
func throughSocks(proxy, port string) (string, error) {
	connection, err := net.DialTimeout("tcp", "127.0.0.1:"+proxy, 5*time.Second)
	if err != nil {
		return "", err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(5 * time.Second))
	var number int
	fmt.Sscan(port, &number)
	connection.Write([]byte{5, 1, 0})
	if _, err := io.ReadFull(connection, make([]byte, 2)); err != nil {
		return "", err
	}
	connection.Write([]byte{5, 1, 0, 1, 127, 0, 0, 1, byte(number >> 8), byte(number)})
	reply := make([]byte, 10)
	if _, err := io.ReadFull(connection, reply); err != nil || reply[1] != 0 {
		return "", fmt.Errorf("%v, %v", reply, err)
	}
	said, err := io.ReadAll(connection)
	return string(said), err
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return portOf(listener)
}

func TestTheWayOfVSCodeRemoteSSH(t *testing.T) {
	home := t.TempDir()
	built := listener(t, t.TempDir())
	client := clientOf(t, start(t, "HOME="+home))
	proxy := freePort(t)
	// One connection with a proxy and no terminal: a shell that gets its script on standard input and stays.
	command := client.command("-T", "-D", proxy, "-o", "ConnectTimeout=15", there, "sh")
	stdin, _ := command.StdinPipe()
	var said, complaints logText
	command.Stdout, command.Stderr = &said, &complaints
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	folder := filepath.Join(home, ".vscode-server", "bin", "abc")
	fmt.Fprintf(stdin, `echo "running"
uname -sm; printenv SSH_CONNECTION >/dev/null || exit 31
mkdir -p %[1]s && cd %[1]s || exit 32
umask 077
cp %[2]s server && chmod 700 server
(nohup ./server >.log 2>&1 </dev/null & echo $! >.pid)
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do grep -q listeningOn .log && break; sleep 0.1; done
echo "a1b2: start"; cat .log; echo "pid==$(cat .pid)=="; echo "a1b2: end"
`, folder, built)
	eventually(t, "the script has run", func() bool { return strings.Contains(said.String(), "a1b2: end") })
	port := regexp.MustCompile(`listeningOn==(\d+)==`).FindStringSubmatch(said.String())
	if port == nil {
		t.Fatalf("%q, %q", said.String(), complaints.String())
	}
	if answer, err := throughSocks(proxy, port[1]); answer != "the editor's server" {
		t.Errorf("%q, %v", answer, err)
	}
	// The window is closed and opened again: the server is still there.
	stdin.Close()
	command.Wait()
	stdout, _, _ := client.run("", there, fmt.Sprintf("kill -0 $(cat %[1]s/.pid) && echo runs; kill $(cat %[1]s/.pid)", folder))
	if stdout != "runs\n" {
		t.Errorf("%q", stdout)
	}
}

func TestTheWayOfJetBrainsGateway(t *testing.T) {
	needs(t, "sftp", "scp")
	home := t.TempDir()
	built := listener(t, t.TempDir())
	client := clientOf(t, start(t, "HOME="+home))
	control := filepath.Join(t.TempDir(), "control")
	client.stay("-N", "-M", "-S", control, there)
	run := func(wanted, script string) string {
		t.Helper()
		stdout, stderr, code := client.run("", "-S", control, there, script)
		if code != 0 || !strings.Contains(stdout, wanted) {
			t.Fatalf("%s: %d, %q, %q", script, code, stdout, stderr)
		}
		return stdout
	}
	// What the machine is, by single commands on one connection.
	run("Linux", "uname -s -m")
	run("/", `printf '%s' "$HOME"`)
	run("", `sh -c 'test -w "$HOME" && df -Pk "$HOME" && (ldd --version || true) 2>&1 | head -n 1'`)
	// The worker is copied by SFTP, made a program and asked.
	batch := write(t, t.TempDir(), "batch", fmt.Appendf(nil, "-mkdir %[1]s/.cache\n-mkdir %[1]s/.cache/JetBrains\nput %[2]s %[1]s/.cache/JetBrains/worker.part\nrename %[1]s/.cache/JetBrains/worker.part %[1]s/.cache/JetBrains/worker\nchmod 755 %[1]s/.cache/JetBrains/worker\nls -l %[1]s/.cache/JetBrains\n", home, built))
	command := exec.Command("sftp", append(append([]string{}, client.options...), "-o", "ControlPath="+control, "-b", batch, "-P", client.port, there)...)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%s", output)
	}
	if text, err := os.ReadFile(filepath.Join(home, ".cache/JetBrains/worker")); err != nil || len(text) == 0 {
		t.Fatal(err)
	}
	run("", fmt.Sprintf("(setsid %[1]s/.cache/JetBrains/worker >%[1]s/log 2>&1 </dev/null & echo $! >%[1]s/pid)", home))
	var port []string
	eventually(t, "the worker listens", func() bool {
		text, _ := os.ReadFile(filepath.Join(home, "log"))
		port = regexp.MustCompile(`listeningOn==(\d+)==`).FindStringSubmatch(string(text))
		return port != nil
	})
	// Its ports are forwarded on the connection that is there.
	local := freePort(t)
	if _, stderr, code := client.run("", "-S", control, "-O", "forward", "-L", local+":127.0.0.1:"+port[1], there); code != 0 {
		t.Fatal(stderr)
	}
	hears(t, "tcp", "127.0.0.1:"+local, "the editor's server")
	run("", fmt.Sprintf("kill $(cat %s/pid)", home))
}

// rsync runs itself on the machine and talks binary both ways over standard input and output, until one side closes.
func TestRsyncCopiesBothWays(t *testing.T) {
	needs(t, "rsync")
	client := clientOf(t, start(t))
	from, to := t.TempDir(), t.TempDir()
	want := bytes.Repeat([]byte("data"), 500_000)
	write(t, from, "file", want)
	remote := "ssh -p " + client.port + " '" + strings.Join(client.options, "' '") + "'"
	for _, step := range [][]string{{from + "/", there + ":" + to + "/there"}, {there + ":" + to + "/there/", to + "/back"}} {
		if output, err := exec.Command("rsync", append([]string{"-a", "-e", remote}, step...)...).CombinedOutput(); err != nil {
			t.Fatalf("%s", output)
		}
	}
	if text, err := os.ReadFile(filepath.Join(to, "back", "file")); err != nil || !bytes.Equal(text, want) {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

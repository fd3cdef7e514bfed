package trials

import (
	"crypto/sha256"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestBinaryInputAndOutputAreTheSameBytesAndTheEndOfTheInputIsHeard(t *testing.T) {
	client := clientOf(t, start(t))
	everything := make([]byte, 3_000_000)
	for at := range everything {
		everything[at] = byte(at * 7)
	}
	stdout, stderr, code := client.run(string(everything), there, "cat; exit 5")
	if sha256.Sum256([]byte(stdout)) != sha256.Sum256(everything) || code != 5 {
		t.Errorf("%d bytes, %d, %s", len(stdout), code, stderr)
	}
}

func TestAnAgentIsForwardedToTheSessionsThatAskForIt(t *testing.T) {
	needs(t, "ssh-agent", "ssh-add")
	client := clientOf(t, start(t))
	if stdout, _, _ := client.run("", there, `echo "[$SSH_AUTH_SOCK]"`); stdout != "[]\n" {
		t.Errorf("without -A: %q", stdout)
	}
	agentOf(t, client)
	stdout, stderr, code := client.run("", "-A", there, `stat -c %a "$SSH_AUTH_SOCK" "$(dirname "$SSH_AUTH_SOCK")" && ssh-add -l && ssh-add -l && echo "$SSH_AUTH_SOCK"`)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if code != 0 || len(lines) != 5 || lines[0] != "600" || lines[1] != "700" || !strings.Contains(lines[2], "ED25519") {
		t.Fatalf("%d, %q, %q", code, stdout, stderr)
	}
	eventually(t, "the folder of the agent's socket is gone", func() bool {
		_, err := os.Stat(filepath.Dir(lines[4]))
		return os.IsNotExist(err)
	})
}

// agentOf starts an agent that holds the client's key; the file is not needed from then on.
func agentOf(t *testing.T, client *openssh) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent")
	agent := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		agent.Process.Kill()
		agent.Wait()
	})
	client.env = append(client.env, "SSH_AUTH_SOCK="+socket)
	eventually(t, "the agent has the key", func() bool {
		add := exec.Command("ssh-add", "-q", filepath.Join(client.folder, "id"))
		add.Env = append(os.Environ(), client.env...)
		return add.Run() == nil
	})
}

func TestARepositoryIsClonedWithTheKeyOfAForwardedAgent(t *testing.T) {
	needs(t, "ssh-agent", "ssh-add", "git")
	t.Setenv("HOME", t.TempDir())
	repository := filepath.Join(t.TempDir(), "private.git")
	for _, args := range [][]string{
		{"init", "-q", "--bare", repository},
		{"-C", repository, "-c", "user.name=a", "-c", "user.email=a@b", "commit-tree", "-m", "first", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"},
	} {
		if output, err := exec.Command("git", args...).CombinedOutput(); err != nil && args[0] == "init" {
			t.Fatalf("%v: %s", err, output)
		}
	}
	// Who keeps the repository knows the same key, and nothing on the rented machine has it.
	rented := start(t)
	keeper := start(t)
	if err := os.WriteFile(keeper.keys, ssh.MarshalAuthorizedKey(public(t, rented)), 0o600); err != nil {
		t.Fatal(err)
	}
	client := clientOf(t, rented)
	agentOf(t, client)
	copied := filepath.Join(t.TempDir(), "copied")
	clone := fmt.Sprintf(
		"GIT_SSH_COMMAND='ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes' git clone -q ssh://root@127.0.0.1:%s%s %s && ls -a %s",
		keeper.port, repository, copied, copied)
	if stdout, stderr, code := client.run("", "-A", there, clone); code != 0 || !strings.Contains(stdout, ".git") {
		t.Errorf("%d, %q, %q", code, stdout, stderr)
	}
	if _, _, code := client.run("", there, strings.ReplaceAll(clone, copied, copied+"2")); code == 0 {
		t.Error("the key was there without the agent")
	}
}

func TestAPortOfThisMachineLeadsBackToTheClient(t *testing.T) {
	server := start(t)
	client := clientOf(t, server)
	word := speaker(t, "tcp", "127.0.0.1:0", "from home")
	free := speaker(t, "tcp", "127.0.0.1:0", "")
	port := portOf(free)
	free.Close()
	leave := client.stay("-N", "-R", "*:"+port+":127.0.0.1:"+portOf(word), there)
	hears(t, "tcp", "127.0.0.1:"+port, "from home")
	for _, address := range otherAddresses(t) {
		if said, err := ask(t, "tcp", net.JoinHostPort(address, port)); err == nil {
			t.Errorf("%s answers, too: %q", address, said)
		}
	}
	// Where something listens already, the client hears that.
	if _, stderr, code := client.run("", "-R", port+":127.0.0.1:1", there, "true"); code == 0 || !strings.Contains(stderr, "remote port forwarding failed") {
		t.Errorf("%d, %q", code, stderr)
	}
	leave()
	eventually(t, "the port is free again", func() bool {
		_, err := ask(t, "tcp", "127.0.0.1:"+port)
		return err != nil
	})
}

func public(t *testing.T, server *server) ssh.PublicKey {
	t.Helper()
	key, err := ssh.NewPublicKey(server.private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func otherAddresses(t *testing.T) (found []string) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if network, ok := one.(*net.IPNet); ok && network.IP.To4() != nil && !network.IP.IsLoopback() {
			found = append(found, network.IP.String())
		}
	}
	return found
}

func TestTheServerChoosesAPortAndTheClientMayTakeItBack(t *testing.T) {
	needs(t, "ssh")
	client := clientOf(t, start(t))
	word := speaker(t, "tcp", "127.0.0.1:0", "from home")
	control := filepath.Join(t.TempDir(), "control")
	client.stay("-N", "-M", "-S", control, there)
	remote := "0:127.0.0.1:" + portOf(word)
	stdout, stderr, code := client.run("", "-S", control, "-O", "forward", "-R", remote, there)
	port := strings.TrimSpace(stdout)
	if code != 0 || port == "" || port == "0" {
		t.Fatalf("%d, %q, %q", code, stdout, stderr)
	}
	hears(t, "tcp", "127.0.0.1:"+port, "from home")
	if _, stderr, code := client.run("", "-S", control, "-O", "cancel", "-R", remote, there); code != 0 {
		t.Errorf("%d, %q", code, stderr)
	}
	eventually(t, "the port is free again", func() bool {
		_, err := ask(t, "tcp", "127.0.0.1:"+port)
		return err != nil
	})
}

func TestUnixSocketsAreForwardedBothWays(t *testing.T) {
	client := clientOf(t, start(t))
	folder := t.TempDir()
	inside, atHome, onMachine := filepath.Join(folder, "inside"), filepath.Join(folder, "home"), filepath.Join(folder, "machine")
	speaker(t, "unix", inside, "from the machine")
	word := speaker(t, "tcp", "127.0.0.1:0", "from home")
	forwards := []string{"-N", "-L", atHome + ":" + inside, "-R", onMachine + ":127.0.0.1:" + portOf(word), there}
	for range 2 {
		leave := client.stay(forwards...)
		hears(t, "unix", atHome, "from the machine")
		hears(t, "unix", onMachine, "from home")
		if info, err := os.Stat(onMachine); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
		leave()
		os.Remove(atHome)
		// What was made goes with the connection: the next login may have the same path.
		eventually(t, "the socket is gone", func() bool {
			_, err := os.Stat(onMachine)
			return os.IsNotExist(err)
		})
	}
	// A file of somebody else stays what it is.
	if err := os.WriteFile(onMachine, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, code := client.run("", forwards[3], forwards[4], there, "true"); code == 0 {
		t.Error("a file was taken for a socket's place")
	}
	if text, _ := os.ReadFile(onMachine); string(text) != "mine" {
		t.Errorf("%q", text)
	}
}

func TestManySessionsShareOneConnection(t *testing.T) {
	client := clientOf(t, start(t))
	control := filepath.Join(t.TempDir(), "control")
	client.stay("-N", "-M", "-S", control, there)
	type result struct {
		said string
		code int
	}
	results := make(chan result)
	const sessions = 30
	for number := range sessions {
		go func() {
			command := client.command("-S", control, there, fmt.Sprintf("cat; exit %d", number))
			command.Stdin = strings.NewReader("together")
			output, _ := command.Output()
			results <- result{string(output), command.ProcessState.ExitCode()}
		}()
	}
	sum := 0
	for range sessions {
		one := <-results
		if one.said != "together" {
			t.Errorf("%q, %d", one.said, one.code)
		}
		sum += one.code
	}
	if sum != sessions*(sessions-1)/2 {
		t.Errorf("the exit codes come to %d", sum)
	}
}

func TestAProgramStaysWhenItsClientLeaves(t *testing.T) {
	client := clientOf(t, start(t))
	marker := filepath.Join(t.TempDir(), "marker")
	release := filepath.Join(t.TempDir(), "release")
	t.Run("with nohup", func(t *testing.T) {
		program := fmt.Sprintf("nohup sh -c 'while ! test -e %s; do sleep 0.05; done; echo done >%s' >/dev/null 2>&1 </dev/null &", release, marker)
		if _, stderr, code := client.run("", there, program); code != 0 {
			t.Fatal(stderr)
		}
		os.WriteFile(release, nil, 0o600)
		eventually(t, "it goes on", func() bool { text, _ := os.ReadFile(marker); return string(text) == "done\n" })
	})
	t.Run("in tmux", func(t *testing.T) {
		needs(t, "tmux")
		t.Setenv("TMUX_TMPDIR", t.TempDir())
		client := clientOf(t, start(t))
		t.Cleanup(func() { exec.Command("tmux", "kill-server").Run() })
		leave := client.stay("-tt", there, "TERM=xterm tmux new-session -s work")
		eventually(t, "there is a session", func() bool { return exec.Command("tmux", "has-session", "-t", "work").Run() == nil })
		leave()
		if stdout, stderr, code := client.run("", there, "tmux list-sessions -F '#{session_name}'"); code != 0 || stdout != "work\n" {
			t.Errorf("%q, %q, %d", stdout, stderr, code)
		}
	})
}

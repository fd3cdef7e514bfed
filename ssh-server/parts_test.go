package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAccountIsReadFromPasswd(t *testing.T) {
	all := func(string) bool { return true }
	only := func(there ...string) func(string) bool {
		return func(path string) bool { return slices.Contains(there, path) }
	}
	passwd := "daemon:x:1:1::/:/bin/sh\nroot:x:0:0:root:/root:/usr/bin/zsh\n"
	for name, one := range map[string]struct {
		passwd    string
		isProgram func(string) bool
		wanted    account
	}{
		"as it stands there":                 {passwd, all, account{"/root", "/usr/bin/zsh"}},
		"a shell that is not in the image":   {passwd, only("/bin/sh"), account{"/root", "/bin/sh"}},
		"a shell that turns people away":     {"root:x:0:0:root:/home:/sbin/nologin", all, account{"/home", "/bin/bash"}},
		"no line for the user, bash first":   {"", all, account{"/root", "/bin/bash"}},
		"an image with nothing but a binary": {"", only(), account{"/root", ""}},
	} {
		if got := findAccount(write(t, "passwd", one.passwd), 0, one.isProgram); got != one.wanted {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if got := findAccount("/nowhere/passwd", 0, only("/bin/sh")); got != (account{"/root", "/bin/sh"}) {
		t.Errorf("no passwd: %+v", got)
	}
}

func TestAPasswdFileThatOnlyWaitsOrNeverEndsIsPassedOver(t *testing.T) {
	folder := t.TempDir()
	pipe, link, long := filepath.Join(folder, "pipe"), filepath.Join(folder, "link"), filepath.Join(folder, "long")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/dev/ptmx", link); err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("a:x:1:1::/:/bin/sh\n", maxPasswdBytes/10) + "root:x:0:0::/late:/bin/sh\n"
	if err := os.WriteFile(long, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, link, long, folder} {
		found := make(chan account, 1)
		go func() { found <- findAccount(path, 0, isProgram) }()
		select {
		case got := <-found:
			if got.home != "/root" {
				t.Errorf("%s: %+v", path, got)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s holds the server up", path)
		}
	}
}

func TestWhatTheRuntimeWouldObeyIsPutAsideAndBroughtBack(t *testing.T) {
	others, some := putAside([]string{"A=1", "GODEBUG=fips140=on", "GOPATH=/go", asidePrefix + "GOGC=forged", "GOMEMLIMIT="})
	wanted := []string{"A=1", asidePrefix + "GODEBUG=fips140=on", "GOPATH=/go", asidePrefix + "GOMEMLIMIT="}
	if !some || !slices.Equal(others, wanted) {
		t.Errorf("%v %q", some, others)
	}
	if again, some := putAside([]string{"A=1", "GOPATH=/go"}); some || !slices.Equal(again, []string{"A=1", "GOPATH=/go"}) {
		t.Errorf("%v %q", some, again)
	}
	t.Setenv(asidePrefix+"GODEBUG", "netdns=go")
	t.Setenv(asidePrefix+"OTHER", "an image's own")
	const line = `echo "$GODEBUG" "$WORLDLAND_SSHD_GODEBUG" "$WORLDLAND_SSHD_OTHER"`
	const said = "netdns=go  an image's own\n"
	if output, err := start(t, nil).session(t).Output(line); err != nil || string(output) != said {
		t.Errorf("a session: %q, %v", output, err)
	}
	ran := program(t, programSpec{Argv: sh(line), Restart: "never"})
	if code := ran.run(reached()); code != 0 || ran.text.String() != said {
		t.Errorf("the main program: %q", ran.text.String())
	}
}

func TestALaterLayerOfTheEnvironmentWins(t *testing.T) {
	got := environment([]string{"PATH=/cuda/bin", "HOME=/x", "broken"}, []string{"HOME=/root", "A=1=2"})
	if wanted := []string{"PATH=/cuda/bin", "HOME=/root", "A=1=2"}; !slices.Equal(got, wanted) {
		t.Errorf("%q", got)
	}
	if got := environment(nil); !slices.Equal(got, []string{"PATH=" + defaultPath}) {
		t.Errorf("without PATH: %q", got)
	}
}

func TestAuthorizedKeysAreKeysAndNothingElse(t *testing.T) {
	for name, text := range map[string]string{
		"no key":    "# nobody\n\n",
		"an option": `command="true" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6L4gbl8zcFlhdTLRCqbkmSfVvhNtGOWlZBnwXD9qDd`,
		"rubbish":   "ssh-ed25519 AAAA",
	} {
		if _, err := readAuthorizedKeys(write(t, "keys", text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestAnUnreadableHostKeyIsNotRepeated(t *testing.T) {
	_, err := readHostKeys(write(t, "key", "my secret"))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestTheInstalledProgramIsThisOneAndMayBeRun(t *testing.T) {
	folder := t.TempDir()
	for range 2 {
		if err := install(folder); err != nil {
			t.Fatal(err)
		}
	}
	self, _ := os.Executable()
	mine, _ := os.ReadFile(self)
	copied, err := os.ReadFile(filepath.Join(folder, "sshd"))
	if err != nil || string(mine) != string(copied) || !isProgram(filepath.Join(folder, "sshd")) {
		t.Error("not the same program")
	}
	if left, _ := os.ReadDir(folder); len(left) != 1 {
		t.Errorf("%v", left)
	}
}

func TestLoopbackTargets(t *testing.T) {
	for host, wanted := range map[string]int{
		"localhost": 2, "127.0.0.1": 1, "127.8.8.8": 1, "::1": 1, "10.0.0.1": 0, "0.0.0.0": 0, "": 0, "localhost.evil.org": 0,
	} {
		if got := loopbackTargets(host); len(got) != wanted {
			t.Errorf("%s: %v", host, got)
		}
	}
}

func TestSettingsMustBeComplete(t *testing.T) {
	if _, err := readSettings([]string{"--port", "22"}, &strings.Builder{}); err == nil {
		t.Error("no keys, and no complaint")
	}
	got, err := readSettings([]string{"--authorized-keys", "a", "--host-key", "h"}, &strings.Builder{})
	if err != nil || got.port != 2222 {
		t.Errorf("%+v, %v", got, err)
	}
}

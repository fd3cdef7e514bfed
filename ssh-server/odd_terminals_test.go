package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestATerminalOfAnyNameAndSizeIsServed(t *testing.T) {
	t.Setenv("TERM", "")
	os.Unsetenv("TERM")
	client := start(t, nil).login(t)
	for name, one := range map[string]struct {
		term   string
		window windowChange
		wanted string
	}{
		"of no size":                 {"xterm", windowChange{0, 0, 0, 0}, "0 0 xterm"},
		"of a huge size":             {"xterm", windowChange{1 << 31, 1 << 16, 1 << 20, 9}, "65535 65535 xterm"},
		"whose name is no variable":  {"xterm\x00evil", windowChange{80, 24, 0, 0}, "24 80 none"},
		"whose name leads elsewhere": {"../../etc/passwd", windowChange{80, 24, 0, 0}, "24 80 none"},
	} {
		session, err := client.NewSession()
		if err != nil {
			t.Fatal(err)
		}
		request := ptyRequest{one.term, one.window.Columns, one.window.Rows, one.window.Width, one.window.Height, "\x35"}
		if ok, err := session.SendRequest("pty-req", true, ssh.Marshal(request)); !ok || err != nil {
			t.Fatalf("%s: no terminal, %v", name, err)
		}
		if ok, err := session.SendRequest("break", true, ssh.Marshal(struct{ Ms uint32 }{500})); !ok || err != nil {
			t.Errorf("%s: no break, %v", name, err)
		}
		output, err := session.Output(`echo $(stty size) $(printenv TERM || echo none)`)
		if got := strings.TrimSpace(string(output)); err != nil || got != one.wanted {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	session, err := client.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if ok, _ := session.SendRequest("break", true, nil); ok {
		t.Error("a break without a terminal")
	}
}

func TestATerminalThatTheImageDoesNotKnowIsShownAsTheOneThatItImitates(t *testing.T) {
	folder := t.TempDir()
	describe := func(letter, name string) {
		os.MkdirAll(filepath.Join(folder, letter), 0o755)
		os.WriteFile(filepath.Join(folder, letter, name), nil, 0o644)
	}
	if got := knownAmong("xterm-kitty", []string{folder}); got != "xterm-kitty" {
		t.Errorf("where nothing is known: %s", got)
	}
	describe("x", "xterm")
	describe("x", "xterm-256color")
	describe("73", "screen")
	describe("k", "kterm")
	for kind, wanted := range map[string]string{
		"xterm": "xterm", "xterm-kitty": "xterm-256color", "alacritty": "xterm-256color", "tmux-256color": "screen",
		"kterm": "kterm", "dumb": "dumb", "linux": "linux", "": "",
	} {
		if got := knownAmong(kind, []string{"/no/such/folder", folder}); got != wanted {
			t.Errorf("%s is shown as %s", kind, got)
		}
	}
	describe("x", "xterm-kitty")
	if got := knownAmong("xterm-kitty", []string{folder}); got != "xterm-kitty" {
		t.Errorf("its description is not used: %s", got)
	}
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOnlyTheRemoteSideOfACopyIsTakenForScp(t *testing.T) {
	for command, wanted := range map[string]bool{
		"scp -t /root/": true, "scp -v -r -p -t -- '/a b'": true, "scp -f x*": true, "scp -rpt .": true,
		"scp": false, "scp file host:": false, "scp -r -- -t": false, "scpx -t x": false, "rsync --server": false, "/usr/bin/scp -t x": false,
	} {
		if isScp(command) != wanted {
			t.Errorf("%q", command)
		}
	}
	if got := scpOf("/it's here/sshd", "scp -t 'a b'"); got != `'/it'\''s here/sshd' scp -t 'a b'` {
		t.Error(got)
	}
	for command, plain := range map[string]bool{"scp -t /root/": true, "scp -t 'a'": false, "scp -t $(x)": false, "scp -f *": false} {
		if _, got := plainWords(command); got != plain {
			t.Errorf("%q", command)
		}
	}
}

func TestScpRefusesNamesThatLeadElsewhereAndLinesThatItCannotRead(t *testing.T) {
	for _, said := range []string{
		"C0644 1 ../evil\nx\x00", "C0644 1 /evil\nx\x00", "C0644 1 ..\nx\x00", "C0644 1 \nx\x00", "C0644 -1 evil\n", "C99999 1 evil\nx\x00",
		"C0644 999999999999999999999 evil\n", "D0755 0 evil\nE\n", "E\n", "T1 2\n", "X\n", "C0644\n", strings.Repeat("x", 20_000),
		"C0644 10 evil\nshort",
	} {
		folder := t.TempDir()
		inside := filepath.Join(folder, "inside")
		os.Mkdir(inside, 0o755)
		var output, complaints bytes.Buffer
		if code := copyFiles([]string{"-t", inside}, strings.NewReader(said), &output, &complaints); code == 0 {
			t.Errorf("%.40q was taken", said)
		}
		if left, _ := os.ReadDir(folder); len(left) != 1 {
			t.Errorf("%.40q wrote elsewhere", said)
		}
	}
}

func FuzzScpTakes(f *testing.F) {
	f.Add("C0644 4 file\ntext\x00")
	f.Add("T1 0 1 0\nD0755 0 folder\nC0644 0 file\n\x00E\n")
	f.Fuzz(func(t *testing.T, said string) {
		folder := t.TempDir()
		inside := filepath.Join(folder, "inside")
		os.Mkdir(inside, 0o755)
		copyFiles([]string{"-r", "-p", "-t", inside}, strings.NewReader(said), &bytes.Buffer{}, &bytes.Buffer{})
		if left, _ := os.ReadDir(folder); len(left) != 1 {
			t.Errorf("wrote elsewhere: %v", left)
		}
	})
}

func TestAnImageWithoutAShellStillTakesAndGivesFilesByTheOldScp(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	server := start(t, func(server *server) { server.account.shell = "" })
	folder := t.TempDir()
	session := server.session(t)
	session.Stdin = strings.NewReader("C0644 4 file\ntext\x00")
	if _, err := session.Output("scp -t " + folder); err != nil {
		t.Error(err)
	}
	session = server.session(t)
	session.Stdin = strings.NewReader("\x00\x00\x00\x00")
	output, err := session.Output("scp -f " + folder + "/file")
	if err != nil || string(output) != "C0644 4 file\ntext\x00" {
		t.Errorf("%q, %v", output, err)
	}
}

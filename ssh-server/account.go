package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is where a session begins and what it runs.
type account struct {
	home string
	// Empty when the image has no shell.
	shell string
}

var usualShells = []string{"/bin/bash", "/usr/bin/bash", "/bin/sh", "/usr/bin/sh"}

// findAccount looks a uid up in a passwd file, which images without a distribution do not have. A shell that only
// turns people away was meant for an image that nobody logs in to; the customer did rent a login.
func findAccount(passwd string, uid int, isProgram func(string) bool) account {
	found := account{home: "/root"}
	for line := range strings.Lines(beginningOf(passwd)) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), ":")
		if len(fields) == 7 && fields[2] == strconv.Itoa(uid) {
			found = account{home: fields[5], shell: fields[6]}
			break
		}
	}
	name := filepath.Base(found.shell)
	if found.shell == "" || name == "nologin" || name == "false" || !isProgram(found.shell) {
		found.shell = ""
		for _, path := range usualShells {
			if isProgram(path) {
				found.shell = path
				break
			}
		}
	}
	if found.home == "" {
		found.home = "/"
	}
	return found
}

// More than any passwd file has.
const maxPasswdBytes = 1 << 20

// beginningOf reads a file of the image before the server listens. Whoever made the image could have it read for ever: a
// pipe, a device or something of the kernel's that only waits, or lines without end.
func beginningOf(path string) string {
	// Not as an os.File, which would wait where the kernel has nothing to say yet.
	file, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer syscall.Close(file)
	var found syscall.Stat_t
	if syscall.Fstat(file, &found) != nil || found.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return ""
	}
	text := make([]byte, maxPasswdBytes)
	read := 0
	for read < len(text) {
		count, err := syscall.Read(file, text[read:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || count <= 0 {
			break
		}
		read += count
	}
	return string(text[:read])
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

// folder is where a session starts: the home, where it is there.
func (a account) folder() string {
	if info, err := os.Stat(a.home); err == nil && info.IsDir() {
		return a.home
	}
	return "/"
}

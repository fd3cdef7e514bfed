package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
	if file, err := os.Open(passwd); err == nil {
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			fields := strings.Split(lines.Text(), ":")
			if len(fields) == 7 && fields[2] == strconv.Itoa(uid) {
				found = account{home: fields[5], shell: fields[6]}
				break
			}
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

const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// environment puts variables in layers, a later one above the earlier. The lowest is the container's own, so that what
// the image and the order say (PATH and LD_LIBRARY_PATH of CUDA, the customer's variables) is there in a session too.
func environment(layers ...[]string) []string {
	place := map[string]int{}
	var result []string
	for _, layer := range layers {
		for _, variable := range layer {
			name, _, isVariable := strings.Cut(variable, "=")
			if !isVariable {
				continue
			}
			if at, there := place[name]; there {
				result[at] = variable
				continue
			}
			place[name] = len(result)
			result = append(result, variable)
		}
	}
	if _, there := place["PATH"]; !there {
		result = append(result, "PATH="+defaultPath)
	}
	return result
}

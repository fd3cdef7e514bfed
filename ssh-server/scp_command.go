package main

import (
	"path/filepath"
	"strings"
)

// Clients before OpenSSH 9, and `scp -O`, run a program `scp` on this machine, which base images do not have. The image's
// own is run where there is one.

// isScp answers whether a command is the remote side of a copy, as every client writes it.
func isScp(command string) bool {
	words := strings.Fields(command)
	if len(words) < 2 || words[0] != "scp" {
		return false
	}
	for _, word := range words[1:] {
		if !strings.HasPrefix(word, "-") || word == "--" {
			return false
		}
		if strings.ContainsAny(word, "tf") {
			return true
		}
	}
	return false
}

// scpOf is the same command with this program in the place of scp. The shell still reads the rest: names are quoted for
// it, and patterns are its to expand.
func scpOf(self, command string) string {
	quoted := "'" + strings.ReplaceAll(self, "'", `'\''`) + "'"
	return quoted + " scp" + strings.TrimPrefix(strings.TrimLeft(command, " \t"), "scp")
}

// plainWords splits a command of which a shell would make nothing else, for images that have none.
func plainWords(command string) (words []string, plain bool) {
	if strings.ContainsAny(command, "\"'\\`$*?[]{}()<>|&;~#!\n") {
		return nil, false
	}
	return strings.Fields(command), true
}

// hasProgram answers whether a session would find a program by its name.
func hasProgram(name string, variables []string) bool {
	for _, variable := range variables {
		if folders, isPath := strings.CutPrefix(variable, "PATH="); isPath {
			for _, folder := range filepath.SplitList(folders) {
				if isProgram(filepath.Join(folder, name)) {
					return true
				}
			}
		}
	}
	return false
}

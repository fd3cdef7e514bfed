package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"golang.org/x/crypto/ssh"
)

// readAuthorizedKeys reads a file of public keys and answers the wire forms of all of them. A line that is no plain
// key is an error: an option that went unheeded could have been a restriction.
func readAuthorizedKeys(path string) (map[string]bool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	allowed := map[string]bool{}
	for number, line := range bytes.Split(text, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, _, options, rest, err := ssh.ParseAuthorizedKey(line)
		if err != nil || len(options) > 0 || len(rest) > 0 {
			return nil, fmt.Errorf("%s: line %d is not a public key without options", path, number+1)
		}
		allowed[string(key.Marshal())] = true
	}
	if len(allowed) == 0 {
		return nil, fmt.Errorf("%s: holds no key, so nobody could log in", path)
	}
	return allowed, nil
}

func readHostKey(path string) (ssh.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := ssh.ParsePrivateKey(text)
	if err != nil {
		// The parser's own words may repeat what it could not read.
		return nil, errors.New(path + ": not a private key in PEM")
	}
	return key, nil
}

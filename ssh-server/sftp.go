package main

import (
	"errors"
	"io"

	"github.com/pkg/sftp"
)

type stdio struct {
	io.Reader
	io.WriteCloser
}

// serveFiles serves one SFTP session. It is a process of its own: whatever a client makes of it, logins stay possible.
func serveFiles(input io.Reader, output io.WriteCloser) error {
	server, err := sftp.NewServer(stdio{input, output})
	if err != nil {
		return err
	}
	if err := server.Serve(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

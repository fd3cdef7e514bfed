package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// install copies the running program to folder/sshd. The program appears there complete or not at all: an init
// container that was killed half-way is run again.
func install(folder string) error {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("cannot read this program: %w", err)
	}
	defer self.Close()
	target := filepath.Join(folder, "sshd")
	unfinished := target + ".new"
	copied, err := os.OpenFile(unfinished, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(copied, self)
	if closing := copied.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", unfinished, err)
	}
	// The mode at creation was subject to the umask.
	if err := os.Chmod(unfinished, 0o755); err != nil {
		return err
	}
	return os.Rename(unfinished, target)
}

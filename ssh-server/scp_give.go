package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// giveAll sends files, and folders with -r. One that cannot be sent is complained about; the others follow.
func (c *copying) giveAll(paths []string) error {
	well, err := c.heard()
	if err != nil || !well {
		return err
	}
	for _, path := range paths {
		if err := c.give(path); err != nil {
			return err
		}
	}
	return nil
}

func (c *copying) give(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return c.complain(err)
	}
	if info.IsDir() {
		if !c.deep {
			return c.complain(fmt.Errorf("%s: is a folder; copy it with -r", path))
		}
		return c.giveFolder(path, info)
	}
	if !info.Mode().IsRegular() {
		return c.complain(fmt.Errorf("%s: not a regular file", path))
	}
	return c.giveFile(path)
}

func (c *copying) giveFolder(path string, info fs.FileInfo) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return c.complain(err)
	}
	well, err := c.announce('D', path, 0, info)
	if err != nil || !well {
		return err
	}
	for _, entry := range entries {
		if err := c.give(filepath.Join(path, entry.Name())); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(c.to, "E\n"); err != nil {
		return err
	}
	if err := c.to.Flush(); err != nil {
		return err
	}
	_, err = c.heard()
	return err
}

func (c *copying) giveFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return c.complain(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return c.complain(err)
	}
	well, err := c.announce('C', path, info.Size(), info)
	if err != nil || !well {
		return err
	}
	sent, failed := io.CopyN(c.to, file, info.Size())
	// So many bytes were promised; the other side hears afterwards that these are none.
	if sent < info.Size() {
		if _, err := io.CopyN(c.to, zeros{}, info.Size()-sent); err != nil {
			return err
		}
	}
	if failed == nil {
		err = c.agree()
	} else {
		err = c.complain(fmt.Errorf("%s: %w", path, failed))
	}
	if err != nil {
		return err
	}
	_, err = c.heard()
	return err
}

// announce sends what comes next, with its times where those are kept, and answers whether the other side wants it.
func (c *copying) announce(kind byte, path string, size int64, info fs.FileInfo) (wanted bool, err error) {
	name := filepath.Base(path)
	if strings.ContainsRune(name, '\n') {
		return false, c.complain(fmt.Errorf("%q: a name with a line break cannot be sent", name))
	}
	if c.keep {
		if _, err := fmt.Fprintf(c.to, "T%d 0 %d 0\n", max(info.ModTime().Unix(), 0), max(accessedAt(info).Unix(), 0)); err != nil {
			return false, err
		}
		if err := c.to.Flush(); err != nil {
			return false, err
		}
		if well, err := c.heard(); err != nil || !well {
			return false, err
		}
	}
	if _, err := fmt.Fprintf(c.to, "%c%04o %d %s\n", kind, bitsOf(info.Mode()), size, name); err != nil {
		return false, err
	}
	if err := c.to.Flush(); err != nil {
		return false, err
	}
	return c.heard()
}

func accessedAt(info fs.FileInfo) time.Time {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return time.Unix(stat.Atim.Unix())
	}
	return info.ModTime()
}

func bitsOf(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	if mode&fs.ModeSetuid != 0 {
		bits |= 0o4000
	}
	if mode&fs.ModeSetgid != 0 {
		bits |= 0o2000
	}
	if mode&fs.ModeSticky != 0 {
		bits |= 0o1000
	}
	return bits
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}

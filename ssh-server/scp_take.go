package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// announced is a line `C0644 11 name` or `D0755 0 name`.
type announced struct {
	kind byte
	mode fs.FileMode
	size int64
	name string
}

type times struct{ accessed, changed time.Time }

// take writes what is announced below a path, or in its place.
func (c *copying) take(target string, toFolder bool) error {
	if toFolder && !isFolder(target) {
		return c.giveUp(target + ": not a directory")
	}
	if err := c.agree(); err != nil {
		return err
	}
	return c.takeInto(target, 0)
}

// How deep folders may be nested: a path has no more than 4,096 bytes.
const deepest = 2_048

func (c *copying) takeInto(target string, depth int) error {
	if depth > deepest {
		return c.giveUp("folders are nested too deeply")
	}
	var kept *times
	for {
		kind, err := c.from.ReadByte()
		if err == io.EOF && depth == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		line, err := c.line()
		if err != nil {
			return err
		}
		switch kind {
		case 1:
			c.failed = true
		case 2:
			return errOver
		case 'E':
			if depth == 0 {
				return c.giveUp("there is no folder to leave")
			}
			return c.agree()
		case 'T':
			if kept, err = readTimes(line); err != nil {
				return c.giveUp(err.Error())
			}
			if err := c.agree(); err != nil {
				return err
			}
		case 'C', 'D':
			one, err := readAnnounced(kind, line)
			if err == nil && kind == 'D' && !c.deep {
				err = errors.New("received a folder without -r")
			}
			if err != nil {
				return c.giveUp(err.Error())
			}
			if err := c.takeOne(target, one, kept, depth); err != nil {
				return err
			}
			kept = nil
		default:
			return c.giveUp("this is not the protocol of scp")
		}
	}
}

func (c *copying) takeOne(target string, one announced, kept *times, depth int) error {
	path := target
	if isFolder(target) {
		path = filepath.Join(target, one.name)
	}
	if one.kind == 'C' {
		return c.takeFile(path, one, kept)
	}
	err := os.Mkdir(path, one.mode|0o700)
	if isFolder(path) {
		err = nil
	}
	if err != nil {
		return c.complain(err)
	}
	if err := c.agree(); err != nil {
		return err
	}
	if err := c.takeInto(path, depth+1); err != nil {
		return err
	}
	if err := c.keepOn(path, one.mode, kept); err != nil {
		return c.complain(err)
	}
	return nil
}

func (c *copying) takeFile(path string, one announced, kept *times) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, one.mode)
	if err != nil {
		return c.complain(err)
	}
	if err := c.agree(); err != nil {
		file.Close()
		return err
	}
	rest := io.LimitReader(c.from, one.size)
	written, failed := io.Copy(file, rest)
	// A full disk must not end the copy of what comes after: the rest of the file is read all the same.
	if _, err := io.Copy(io.Discard, rest); err != nil {
		file.Close()
		return err
	}
	if failed == nil && written < one.size {
		failed = io.ErrUnexpectedEOF
	}
	// What was there may have been longer. A device has no length.
	if info, err := file.Stat(); failed == nil && err == nil && info.Mode().IsRegular() {
		failed = file.Truncate(written)
	}
	if closing := file.Close(); failed == nil {
		failed = closing
	}
	well, err := c.heard()
	if err != nil {
		return err
	}
	if failed == nil && well {
		failed = c.keepOn(path, one.mode, kept)
	}
	if failed != nil {
		return c.complain(failed)
	}
	return c.agree()
}

func (c *copying) keepOn(path string, mode fs.FileMode, kept *times) error {
	if c.keep {
		if err := os.Chmod(path, mode); err != nil {
			return err
		}
	}
	if kept == nil {
		return nil
	}
	return os.Chtimes(path, kept.accessed, kept.changed)
}

// readAnnounced refuses names that lead elsewhere.
func readAnnounced(kind byte, line string) (announced, error) {
	mode, rest, _ := strings.Cut(line, " ")
	size, name, whole := strings.Cut(rest, " ")
	bits, err := strconv.ParseUint(mode, 8, 32)
	length, sizeErr := strconv.ParseInt(size, 10, 64)
	if err != nil || sizeErr != nil || !whole || bits > 0o7777 || length < 0 {
		return announced{}, errors.New("an unreadable line")
	}
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return announced{}, fmt.Errorf("unexpected file name: %q", name)
	}
	return announced{kind, modeOf(uint32(bits)), length, name}, nil
}

// modeOf has the three bits above the rights, which Go keeps elsewhere.
func modeOf(bits uint32) fs.FileMode {
	mode := fs.FileMode(bits & 0o777)
	for bit, meant := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if bits&bit != 0 {
			mode |= meant
		}
	}
	return mode
}

// readTimes reads `1700000000 0 1700000000 0`: changed, then accessed.
func readTimes(line string) (*times, error) {
	var changed, changedUs, accessed, accessedUs int64
	if count, err := fmt.Sscanf(line, "%d %d %d %d", &changed, &changedUs, &accessed, &accessedUs); err != nil || count != 4 {
		return nil, errors.New("unreadable times")
	}
	if changedUs < 0 || changedUs > 999_999 || accessedUs < 0 || accessedUs > 999_999 {
		return nil, errors.New("unreadable times")
	}
	return &times{time.Unix(accessed, accessedUs*1000), time.Unix(changed, changedUs*1000)}, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The old protocol of scp: lines that announce a file, a folder, its end or its times, each answered by a zero byte; or
// by 1 and a sentence, after which the copy goes on, or by 2 and a sentence, after which it does not.

// copying is one run of the remote side.
type copying struct {
	from *bufio.Reader
	to   *bufio.Writer
	// Times and modes are kept, folders are copied with what is in them.
	keep, deep bool
	failed     bool
}

// errOver ends a copy of which the other side knows why already.
var errOver = errors.New("the copy is over")

// copyFiles is `scp -t` and `scp -f`; it answers the exit status.
func copyFiles(args []string, input io.Reader, output, complaints io.Writer) int {
	one := &copying{from: bufio.NewReaderSize(input, 64*1024), to: bufio.NewWriterSize(output, 64*1024)}
	var take, give, toFolder bool
	paths := args
	for len(paths) > 0 && strings.HasPrefix(paths[0], "-") && paths[0] != "-" {
		flags := paths[0]
		paths = paths[1:]
		if flags == "--" {
			break
		}
		for _, flag := range flags[1:] {
			switch flag {
			case 't':
				take = true
			case 'f':
				give = true
			case 'r':
				one.deep = true
			case 'p':
				one.keep = true
			case 'd':
				toFolder = true
			case 'v', 'q':
			default:
				fmt.Fprintf(complaints, "scp: this image has no scp of its own, and the built-in one does not know -%c\n", flag)
				return 1
			}
		}
	}
	if take == give || len(paths) == 0 || take && len(paths) != 1 {
		fmt.Fprint(complaints, usage)
		return 1
	}
	var err error
	if take {
		err = one.take(paths[0], toFolder)
	} else {
		err = one.giveAll(paths)
	}
	if flushing := one.to.Flush(); err == nil {
		err = flushing
	}
	if err != nil && !errors.Is(err, errOver) {
		fmt.Fprintf(complaints, "scp: %v\n", err)
	}
	if err != nil || one.failed {
		return 1
	}
	return 0
}

// agree says that what came last was well.
func (c *copying) agree() error {
	if err := c.to.WriteByte(0); err != nil {
		return err
	}
	return c.to.Flush()
}

// complain says what went wrong with one file; the copy goes on.
func (c *copying) complain(err error) error {
	c.failed = true
	if _, err := fmt.Fprintf(c.to, "\x01scp: %s\n", oneLine(err.Error())); err != nil {
		return err
	}
	return c.to.Flush()
}

// giveUp says why nothing more can be copied.
func (c *copying) giveUp(why string) error {
	if _, err := fmt.Fprintf(c.to, "\x02scp: %s\n", oneLine(why)); err == nil {
		_ = c.to.Flush()
	}
	return errOver
}

// heard reads the other side's answer: whether what was sent last was well there.
func (c *copying) heard() (well bool, err error) {
	answer, err := c.from.ReadByte()
	if err != nil {
		return false, err
	}
	if answer == 0 {
		return true, nil
	}
	c.failed = true
	if _, err := c.line(); err != nil {
		return false, err
	}
	if answer == 1 {
		return false, nil
	}
	return false, errOver
}

const longestLine = 8 * 1024

// line reads up to the end of a line, which nobody needs to be long.
func (c *copying) line() (string, error) {
	var line strings.Builder
	for line.Len() < longestLine {
		letter, err := c.from.ReadByte()
		if err != nil {
			return "", err
		}
		if letter == '\n' {
			return line.String(), nil
		}
		line.WriteByte(letter)
	}
	return "", errors.New("a line of the other side is too long")
}

func oneLine(text string) string {
	return strings.Map(func(letter rune) rune {
		if letter < ' ' {
			return '?'
		}
		return letter
	}, text)
}

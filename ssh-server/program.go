package main

import (
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

func (s *session) startOnTerminal(path string, argv []string, attributes *syscall.ProcAttr) error {
	slave := s.terminal.slave
	attributes.Files = []uintptr{slave.Fd(), slave.Fd(), slave.Fd()}
	attributes.Sys.Setctty = true
	child, err := s.server.children.start(path, argv, attributes)
	slave.Close()
	if err != nil {
		return err
	}
	s.child = child
	go func() { _, _ = io.Copy(s.terminal.master, s.channel) }()
	go func() {
		s.copyTerminal()
		s.reportEnd()
	}()
	return nil
}

// How long a terminal may be silent after its shell has ended before the session is over, and how many reads it gets
// at most: a program in the background that still writes to it must not hold the session.
const (
	terminalSilence = 50 * time.Millisecond
	lastReads       = 64
)

func (s *session) copyTerminal() {
	master := s.terminal.master
	buffer := make([]byte, 32*1024)
	go func() {
		<-s.child.exited
		_ = master.SetReadDeadline(time.Now())
	}()
	for reads := 0; reads < lastReads; {
		select {
		case <-s.child.exited:
			reads++
			_ = master.SetReadDeadline(time.Now().Add(terminalSilence))
		default:
		}
		count, err := master.Read(buffer)
		if count > 0 {
			if _, err := s.channel.Write(buffer[:count]); err != nil {
				return
			}
		}
		if err == nil {
			continue
		}
		// The deadline that woke us when the shell ended; what it wrote last may still be there.
		if os.IsTimeout(err) && reads == 0 {
			continue
		}
		return
	}
}

func (s *session) startOnPipes(path string, argv []string, attributes *syscall.ProcAttr) error {
	var pipes [3]struct{ reader, writer *os.File }
	closeAll := func() {
		for _, pipe := range pipes {
			if pipe.reader != nil {
				pipe.reader.Close()
				pipe.writer.Close()
			}
		}
	}
	for number := range pipes {
		reader, writer, err := os.Pipe()
		if err != nil {
			closeAll()
			return err
		}
		pipes[number].reader, pipes[number].writer = reader, writer
	}
	stdin, stdout, stderr := pipes[0], pipes[1], pipes[2]
	attributes.Files = []uintptr{stdin.reader.Fd(), stdout.writer.Fd(), stderr.writer.Fd()}
	child, err := s.server.children.start(path, argv, attributes)
	if err != nil {
		closeAll()
		return err
	}
	stdin.reader.Close()
	stdout.writer.Close()
	stderr.writer.Close()
	s.child = child
	go func() {
		_, _ = io.Copy(stdin.writer, s.channel)
		stdin.writer.Close()
	}()
	go func() {
		var outputs sync.WaitGroup
		for _, output := range []struct {
			to   io.Writer
			from *os.File
		}{{s.channel, stdout.reader}, {s.channel.Stderr(), stderr.reader}} {
			outputs.Go(func() {
				_, _ = io.Copy(output.to, output.from)
				// When it was the client that went away, the next write of the program fails.
				output.from.Close()
			})
		}
		outputs.Wait()
		s.reportEnd()
	}()
	return nil
}

// reportEnd waits for the program's end and tells the client how it ended.
func (s *session) reportEnd() {
	<-s.child.exited
	status := s.child.status
	if status.Signaled() {
		name, known := signalNames[status.Signal()]
		if !known {
			name = "SIG@openssh.com"
		}
		_, _ = s.channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
			Name     string
			CoreDump bool
			Message  string
			Language string
		}{name, status.CoreDump(), "", ""}))
	} else {
		sendExitStatus(s.channel, uint32(status.ExitStatus()))
	}
	endOutput(s.channel)
}

func (s *session) giveUp(message string, exitStatus uint32) {
	if s.terminal != nil {
		s.terminal.slave.Close()
	}
	_, _ = io.WriteString(s.channel.Stderr(), message)
	sendExitStatus(s.channel, exitStatus)
	endOutput(s.channel)
}

func sendExitStatus(channel ssh.Channel, status uint32) {
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
}

// endOutput comes after the status: a client that has heard the end of the output may close the channel at once, and
// would never hear the status then.
func endOutput(channel ssh.Channel) {
	_ = channel.CloseWrite()
	channel.Close()
}

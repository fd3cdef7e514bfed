package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// What a program has written and nobody has taken: beyond this it is dropped, so that a log that nobody reads does not
// stop the program.
const maxUnread = 1024 * 1024

// outputPump carries what the main program writes to the container's log.
type outputPump struct {
	// The program's standard output and error; all its starts share it.
	writer *os.File
	reader *os.File
	to     io.Writer

	mu      sync.Mutex
	changed *sync.Cond
	unread  []byte
	dropped int
	writing bool
}

func newOutputPump(to io.Writer) (*outputPump, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	pump := &outputPump{writer: writer, reader: reader, to: to}
	pump.changed = sync.NewCond(&pump.mu)
	go pump.take()
	go pump.give()
	return pump, nil
}

func (p *outputPump) take() {
	buffer := make([]byte, 64*1024)
	for {
		count, err := p.reader.Read(buffer)
		p.mu.Lock()
		room := max(0, maxUnread-len(p.unread))
		p.unread = append(p.unread, buffer[:min(count, room)]...)
		p.dropped += max(0, count-room)
		p.changed.Broadcast()
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (p *outputPump) give() {
	for {
		p.mu.Lock()
		for len(p.unread) == 0 && p.dropped == 0 {
			p.writing = false
			p.changed.Broadcast()
			p.changed.Wait()
		}
		p.writing = true
		text, dropped := p.unread, p.dropped
		p.unread, p.dropped = nil, 0
		p.mu.Unlock()
		if dropped > 0 {
			text = fmt.Appendf(text, "\n%d bytes of output were dropped here: the machine did not take them in time\n", dropped)
		}
		_, _ = p.to.Write(text)
	}
}

// drain waits until the log has all that was written so far, for a while.
func (p *outputPump) drain(patience time.Duration) {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		inPipe := 0
		if raw, err := p.reader.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { inPipe, _ = unix.IoctlGetInt(int(fd), unix.TIOCINQ) })
		}
		p.mu.Lock()
		isDone := inPipe == 0 && len(p.unread) == 0 && p.dropped == 0 && !p.writing
		p.mu.Unlock()
		if isDone {
			return
		}
	}
}

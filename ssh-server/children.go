package main

import (
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// children starts processes and waits for all of them, in one place. The server is the first process of its container,
// so it also inherits every process whose parent has ended; waiting for single pids, as os/exec does, would leave
// those as zombies, and waiting for any beside os/exec would take its results away.
type children struct {
	mu      sync.Mutex
	running map[int]*child
}

// child is a started process: the leader of a session, and so of a process group, of its own.
type child struct {
	pid int
	// Closed when it has ended; status may be read from then on.
	exited chan struct{}
	status syscall.WaitStatus
	// The job's main program, which has no terminal that could go away.
	isMain bool
}

// One for the whole process, which is what its waiting is about.
var theChildren = sync.OnceValue(newChildren)

func newChildren() *children {
	all := &children{running: map[int]*child{}}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			all.reap()
		}
	}()
	return all
}

// start runs a program in a new session. The lock is held over the fork, so that no child can be reaped before it is
// noted, and no pid can be given again in between.
func (c *children) start(path string, argv []string, attributes *syscall.ProcAttr) (*child, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if attributes.Sys == nil {
		attributes.Sys = &syscall.SysProcAttr{}
	}
	attributes.Sys.Setsid = true
	pid, err := syscall.ForkExec(path, argv, attributes)
	if err != nil {
		return nil, err
	}
	started := &child{pid: pid, exited: make(chan struct{})}
	c.running[pid] = started
	return started, nil
}

func (c *children) markMain(one *child) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one.isMain = true
}

// signal reaches the child's whole process group, as OpenSSH does it; nothing happens once the child has ended.
func (c *children) signal(to *child, signal syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running[to.pid] == to {
		_ = syscall.Kill(-to.pid, signal)
	}
}

// endAll tells every process that its time is over, and waits for them for a while. The first process of a container
// takes all others with it when it ends; until then they may save what they have.
func (c *children) endAll(patience time.Duration) {
	c.mu.Lock()
	for pid, one := range c.running {
		if one.isMain {
			_ = syscall.Kill(-pid, syscall.SIGTERM)
			continue
		}
		// A shell on a terminal does not heed SIGTERM.
		_ = syscall.Kill(-pid, syscall.SIGHUP)
	}
	if os.Getpid() == 1 {
		_ = syscall.Kill(-1, syscall.SIGTERM)
	}
	c.mu.Unlock()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if c.reap() {
			return
		}
	}
}

// reap takes the status of all that have ended, and answers whether there is no child any more.
func (c *children) reap() (none bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return err == syscall.ECHILD
		}
		if ended := c.running[pid]; ended != nil {
			delete(c.running, pid)
			ended.status = status
			close(ended.exited)
		}
	}
}

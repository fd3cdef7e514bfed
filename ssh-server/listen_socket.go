package main

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// socketForward is the payload of streamlocal-forward and of its cancellation (PROTOCOL of OpenSSH, 2.4).
type socketForward struct{ Path string }

// forwardedSocket is the payload of a forwarded-streamlocal channel.
type forwardedSocket struct {
	Path     string
	Reserved string
}

// listenOnSocket is `ssh -R /path:…`. A file that is there already is not removed, as OpenSSH does it without
// StreamLocalBindUnlink; but what was made here is taken away again, so that the next login can make it anew.
func (c *client) listenOnSocket(payload []byte) error {
	var wanted socketForward
	if ssh.Unmarshal(payload, &wanted) != nil || !isSocketPath(wanted.Path) {
		return errUnreadable
	}
	return c.hold(func() (string, *forwardedListener, error) {
		socket, made, err := listenForRoot(wanted.Path)
		if err != nil {
			return "", nil, err
		}
		open := func(net.Conn) (string, []byte) {
			return "forwarded-streamlocal@openssh.com", ssh.Marshal(forwardedSocket{Path: wanted.Path})
		}
		tidy := func() { removeOwn(wanted.Path, made) }
		return socketName(wanted.Path), c.forwardFrom([]net.Listener{socket}, open, tidy), nil
	})
}

func (c *client) cancelSocket(payload []byte) error {
	var unwanted socketForward
	if ssh.Unmarshal(payload, &unwanted) != nil {
		return errUnreadable
	}
	return c.drop(socketName(unwanted.Path))
}

func socketName(path string) string {
	return "socket " + path
}

// listenForRoot makes a socket that only root may connect to, from its first moment on: bind gives the file the mode
// that the socket has then. The umask could not do it, which all processes that start meanwhile would inherit.
func listenForRoot(path string) (net.Listener, os.FileInfo, error) {
	var config net.ListenConfig
	config.Control = func(_, _ string, raw syscall.RawConn) error {
		var failed error
		err := raw.Control(func(fd uintptr) { failed = syscall.Fchmod(int(fd), 0o600) })
		return errors.Join(err, failed)
	}
	socket, err := config.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, nil, err
	}
	socket.(*net.UnixListener).SetUnlinkOnClose(false)
	made, err := os.Lstat(path)
	if err != nil {
		socket.Close()
		return nil, nil, err
	}
	return socket, made, nil
}

// agentSocket is the path by which sessions of this client reach the agent on its own machine. There is one for each
// connection, in a folder that nobody but root can look into.
func (c *client) agentSocket() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return "", errGone
	}
	if c.agent != nil {
		return c.agent.sockets[0].Addr().String(), nil
	}
	if !c.server.bounds.listeners.take() {
		return "", errTooMany
	}
	made, err := c.listenForAgent()
	if err != nil {
		c.server.bounds.listeners.give()
		return "", err
	}
	c.agent = made
	c.listeners["agent"] = made
	return made.sockets[0].Addr().String(), nil
}

func (c *client) listenForAgent() (*forwardedListener, error) {
	folder, err := makeFirst(c.server.agentFolders)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(folder, "agent")
	socket, _, err := listenForRoot(path)
	if err != nil {
		_ = os.Remove(folder)
		return nil, err
	}
	open := func(net.Conn) (string, []byte) { return "auth-agent@openssh.com", nil }
	tidy := func() {
		_ = os.Remove(path)
		_ = os.Remove(folder)
	}
	return c.forwardFrom([]net.Listener{socket}, open, tidy), nil
}

// makeFirst makes a folder of its own, with the mode 0700, in the first of these: not every image has /tmp.
func makeFirst(parents []string) (string, error) {
	failed := errors.New("no folder for sockets")
	for _, parent := range parents {
		folder, err := os.MkdirTemp(parent, "ssh-")
		if err == nil {
			return folder, nil
		}
		failed = err
	}
	return "", failed
}

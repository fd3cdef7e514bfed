package main

import (
	"errors"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// forwardedListener accepts connections on this machine and opens a channel to its client for each.
type forwardedListener struct {
	sockets []net.Listener
	close   func()
}

// portForward is the payload of tcpip-forward and of cancel-tcpip-forward (RFC 4254, 7.1).
type portForward struct {
	Host string
	Port uint32
}

// forwardedTCP is the payload of a forwarded-tcpip channel (RFC 4254, 7.2).
type forwardedTCP struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

// listenOnPort is `ssh -R`: on loopback, whatever address was asked for, as OpenSSH does it without GatewayPorts. What
// the world is to reach has to be a port of the job.
func (c *client) listenOnPort(payload []byte) (reply []byte, err error) {
	var wanted portForward
	if ssh.Unmarshal(payload, &wanted) != nil || wanted.Port > 65_535 {
		return nil, errUnreadable
	}
	port := wanted.Port
	name := func() string { return portName(wanted.Host, port) }
	err = c.hold(func() (string, *forwardedListener, error) {
		if _, there := c.listeners[name()]; there {
			return "", nil, errTooMany
		}
		sockets, err := listenOnLoopback(wanted.Port)
		if err != nil {
			return "", nil, err
		}
		port = uint32(sockets[0].Addr().(*net.TCPAddr).Port)
		open := func(from net.Conn) (string, []byte) {
			origin := from.RemoteAddr().(*net.TCPAddr)
			// The client finds its forwarding again by the very address that it asked for.
			return "forwarded-tcpip", ssh.Marshal(forwardedTCP{wanted.Host, port, origin.IP.String(), uint32(origin.Port)})
		}
		return name(), c.forwardFrom(sockets, open, nil), nil
	})
	if err == nil && wanted.Port == 0 {
		reply = ssh.Marshal(struct{ Port uint32 }{port})
	}
	return reply, err
}

func (c *client) cancelPort(payload []byte) error {
	var unwanted portForward
	if ssh.Unmarshal(payload, &unwanted) != nil {
		return errUnreadable
	}
	return c.drop(portName(unwanted.Host, unwanted.Port))
}

func portName(host string, port uint32) string {
	return "port " + host + " " + strconv.FormatUint(uint64(port), 10)
}

// listenOnLoopback takes a port on both loopbacks; on that of IPv6 only where there is one.
func listenOnLoopback(port uint32) ([]net.Listener, error) {
	first, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.FormatUint(uint64(port), 10)))
	if err != nil {
		return nil, err
	}
	taken := first.Addr().(*net.TCPAddr).Port
	second, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(taken)))
	if err != nil {
		return []net.Listener{first}, nil
	}
	return []net.Listener{first, second}, nil
}

// hold notes a listener of this client, within the bounds.
func (c *client) hold(listen func() (name string, made *forwardedListener, err error)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return errGone
	}
	if len(c.listeners) >= maxListenersOfOne || !c.server.bounds.listeners.take() {
		return errTooMany
	}
	name, made, err := listen()
	if err != nil {
		c.server.bounds.listeners.give()
		return err
	}
	c.listeners[name] = made
	return nil
}

func (c *client) drop(name string) error {
	c.mu.Lock()
	held, there := c.listeners[name]
	delete(c.listeners, name)
	c.mu.Unlock()
	if !there {
		return errNotForwarded
	}
	held.close()
	c.server.bounds.listeners.give()
	return nil
}

func (c *client) closeListeners() {
	c.mu.Lock()
	c.over = true
	held := c.listeners
	c.listeners = nil
	c.mu.Unlock()
	for _, one := range held {
		one.close()
		c.server.bounds.listeners.give()
	}
}

// forwardFrom accepts on all sockets, until they are closed. What came before stays connected, as with OpenSSH.
//
// `open` says what channel the client gets for a connection; `tidy` runs once after the sockets were closed.
func (c *client) forwardFrom(sockets []net.Listener, open func(net.Conn) (string, []byte), tidy func()) *forwardedListener {
	for _, socket := range sockets {
		go func() {
			for {
				connection, err := socket.Accept()
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err != nil {
					// No descriptors left, most likely.
					time.Sleep(time.Second)
					continue
				}
				go c.forwardBack(connection.(stream), func() (string, []byte) { return open(connection) })
			}
		}()
	}
	var once sync.Once
	return &forwardedListener{sockets, func() {
		once.Do(func() {
			for _, socket := range sockets {
				socket.Close()
			}
			if tidy != nil {
				tidy()
			}
		})
	}}
}

func (c *client) forwardBack(connection stream, open func() (string, []byte)) {
	if !c.server.bounds.forwarded.take() {
		connection.Close()
		return
	}
	defer c.server.bounds.forwarded.give()
	kind, payload := open()
	channel, requests, err := c.OpenChannel(kind, payload)
	if err != nil {
		connection.Close()
		return
	}
	join(channel, requests, connection)
}

// removeOwn removes the file of a socket, unless somebody has put another one there.
func removeOwn(path string, made os.FileInfo) {
	if now, err := os.Lstat(path); err == nil && os.SameFile(now, made) {
		_ = os.Remove(path)
	}
}

package main

import (
	"errors"
	"sync"

	"golang.org/x/crypto/ssh"
)

// client is one connection that has logged in, with what it has this machine hold for it.
type client struct {
	*ssh.ServerConn
	server *server
	// Closed when the connection has ended.
	gone chan struct{}

	mu sync.Mutex
	// By what a client calls them when it takes them back.
	listeners map[string]*forwardedListener
	// Made when the first session asks for it.
	agent *forwardedListener
	over  bool
}

func newClient(server *server, connection *ssh.ServerConn) *client {
	return &client{ServerConn: connection, server: server, gone: make(chan struct{}), listeners: map[string]*forwardedListener{}}
}

// serve answers until the connection ends; then nothing is left of what it had.
func (c *client) serve(channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
	var waiting sync.WaitGroup
	waiting.Go(func() {
		for request := range requests {
			ok, reply := c.answer(request)
			if request.WantReply {
				_ = request.Reply(ok, reply)
			}
		}
	})
	waiting.Go(func() { keepAlive(c, c.gone) })
	for wanted := range channels {
		c.open(wanted)
	}
	close(c.gone)
	c.closeListeners()
	waiting.Wait()
}

// answer grants the requests that are about the whole connection (RFC 4254, 4). OpenSSH's keepalives are among those it
// does not know: any answer shows that somebody is there. So is no-more-sessions: requests and channels reach this server
// by two ways, and the session that a client opened just before would be refused.
func (c *client) answer(request *ssh.Request) (ok bool, reply []byte) {
	var err error
	switch request.Type {
	case "tcpip-forward":
		reply, err = c.listenOnPort(request.Payload)
	case "cancel-tcpip-forward":
		err = c.cancelPort(request.Payload)
	case "streamlocal-forward@openssh.com":
		err = c.listenOnSocket(request.Payload)
	case "cancel-streamlocal-forward@openssh.com":
		err = c.cancelSocket(request.Payload)
	default:
		return false, nil
	}
	return err == nil, reply
}

func (c *client) open(wanted ssh.NewChannel) {
	bounds := c.server.bounds
	switch wanted.ChannelType() {
	case "session":
		within(&bounds.sessions, wanted, func() { c.serveSession(wanted) })
	case "direct-tcpip":
		within(&bounds.forwarded, wanted, func() { forwardToPort(wanted) })
	case "direct-streamlocal@openssh.com":
		within(&bounds.forwarded, wanted, func() { forwardToSocket(wanted) })
	default:
		_ = wanted.Reject(ssh.UnknownChannelType, "not offered here")
	}
}

// within serves a channel beside the others, as long as there are not too many of its kind.
func within(bound *bound, wanted ssh.NewChannel, serve func()) {
	if !bound.take() {
		_ = wanted.Reject(ssh.ResourceShortage, "too many at a time")
		return
	}
	go func() {
		defer bound.give()
		serve()
	}()
}

var (
	errGone         = errors.New("the client is gone")
	errTooMany      = errors.New("too many at a time")
	errUnreadable   = errors.New("unreadable request")
	errNotForwarded = errors.New("nothing is forwarded there")
)

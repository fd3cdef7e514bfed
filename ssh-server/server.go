package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// OpenSSH gives two minutes because people type passwords; a key needs a few round trips.
	loginGrace   = 30 * time.Second
	maxAuthTries = 6
	// A client is asked this often whether it is there, also to keep an idle connection alive in NAT tables.
	keepAliveEvery = 30 * time.Second
	// A client that does not answer in this time is gone: its laptop was closed, its network has changed.
	keepAlivePatience = 90 * time.Second
	// What processes have to tidy up when the machine is taken back; the pod's own grace is 5 s.
	stopPatience = 3 * time.Second
)

// The one login name. A rented machine has one user, who is root in it.
const loginName = "root"

type server struct {
	settings           settings
	log                *slog.Logger
	config             *ssh.ServerConfig
	hostKeyFingerprint string
	account            account
	// This program, which serves SFTP as a child.
	self        string
	children    *children
	admission   admission
	mu          sync.Mutex
	connections map[ssh.Conn]bool
	closing     bool
}

func newServer(given settings, log *slog.Logger) (*server, error) {
	allowed, err := readAuthorizedKeys(given.authorizedKeys)
	if err != nil {
		return nil, err
	}
	hostKey, err := readHostKey(given.hostKey)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find this program: %w", err)
	}
	config := &ssh.ServerConfig{
		MaxAuthTries:  maxAuthTries,
		ServerVersion: "SSH-2.0-worldland",
		// The library's default still takes SHA-1 signatures of RSA keys.
		PublicKeyAuthAlgorithms: ssh.SupportedAlgorithms().PublicKeyAuths,
		PublicKeyCallback: func(connection ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if connection.User() != loginName || !allowed[string(key.Marshal())] {
				return nil, errors.New("not allowed")
			}
			return &ssh.Permissions{Extensions: map[string]string{"key": ssh.FingerprintSHA256(key)}}, nil
		},
	}
	config.AddHostKey(hostKey)
	return &server{
		settings:           given,
		log:                log,
		config:             config,
		hostKeyFingerprint: ssh.FingerprintSHA256(hostKey.PublicKey()),
		account:            findAccount("/etc/passwd", os.Getuid(), isProgram),
		self:               self,
		children:           theChildren(),
		connections:        map[ssh.Conn]bool{},
	}, nil
}

func (s *server) listen() (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort(s.settings.address, strconv.FormatUint(uint64(s.settings.port), 10)))
}

// serve accepts connections until the listener is closed.
func (s *server) serve(listener net.Listener) error {
	for {
		connection, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			// No descriptors left, most likely: sessions that end will give some back.
			s.log.Warn("cannot accept", "error", err.Error())
			time.Sleep(time.Second)
			continue
		}
		leave, ok := s.admission.enter(connection.RemoteAddr())
		if !ok {
			connection.Close()
			continue
		}
		go s.serveConnection(connection, leave)
	}
}

func (s *server) serveConnection(connection net.Conn, leave func()) {
	from := connection.RemoteAddr().String()
	_ = connection.SetDeadline(time.Now().Add(loginGrace))
	client, channels, requests, err := ssh.NewServerConn(connection, s.config)
	leave()
	if err != nil {
		connection.Close()
		// Port scanners and readiness probes say nothing; that is not worth a line.
		var refused *ssh.ServerAuthError
		if errors.As(err, &refused) {
			s.log.Warn("login refused", "from", from, "attempts", len(refused.Errors))
		}
		return
	}
	_ = connection.SetDeadline(time.Time{})
	if !s.note(client) {
		client.Close()
		return
	}
	s.log.Info("login", "from", from, "key", client.Permissions.Extensions["key"], "client", string(client.ClientVersion()))
	began := time.Now()
	// Remote forwarding, the one global request that matters, is refused with all others.
	go ssh.DiscardRequests(requests)
	gone := make(chan struct{})
	go keepAlive(client, gone)
	for wanted := range channels {
		switch wanted.ChannelType() {
		case "session":
			go s.serveSession(client, wanted)
		case "direct-tcpip":
			go forward(wanted)
		default:
			_ = wanted.Reject(ssh.UnknownChannelType, "not offered here")
		}
	}
	close(gone)
	s.forget(client)
	s.log.Info("logout", "from", from, "seconds", int(time.Since(began).Seconds()))
}

// keepAlive closes a connection whose client does not answer any more.
func keepAlive(client ssh.Conn, gone <-chan struct{}) {
	every := time.NewTicker(keepAliveEvery)
	defer every.Stop()
	for {
		select {
		case <-gone:
			return
		case <-every.C:
		}
		silence := time.AfterFunc(keepAlivePatience, func() { client.Close() })
		_, _, err := client.SendRequest("keepalive@openssh.com", true, nil)
		silence.Stop()
		if err != nil {
			return
		}
	}
}

func (s *server) note(client ssh.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.connections[client] = true
	return true
}

func (s *server) forget(client ssh.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.connections, client)
}

// closeAll ends all sessions: their processes are told and get a moment, then the connections are closed.
func (s *server) closeAll() {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	s.children.endAll(stopPatience)
	s.mu.Lock()
	defer s.mu.Unlock()
	for client := range s.connections {
		client.Close()
	}
}

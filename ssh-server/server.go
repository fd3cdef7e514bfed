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
	// Until the connection is encrypted: a few round trips between programs.
	handshakeGrace = 20 * time.Second
	// From then on, as with OpenSSH: a person types the passphrase of a key, or looks for a security key and touches it.
	loginGrace = 2 * time.Minute
	// How many keys a client may offer. OpenSSH's six are against guesses, and nobody guesses a key; an agent that holds
	// more than six would never get to the right one. The time and the admission bound what a stranger can make of it.
	maxAuthTries = 100
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
	settings settings
	log      *slog.Logger
	keys     *authorizedKeys
	hostKeys hostKeys
	account  account
	door     *door
	// This program, which serves SFTP as a child.
	self     string
	children *children
	// Where the sockets of forwarded agents are made: the first of these folders that is there.
	agentFolders []string
	use          *use
	// Who may ask what the job uses, besides the customer; nil is nobody.
	observer ssh.PublicKey
	// The two times of a login: see the constants.
	handshakeGrace, loginGrace time.Duration
	bounds                     *bounds
	admission                  admission
	mu                         sync.Mutex
	connections                map[ssh.Conn]bool
	closing                    bool
}

func newServer(given settings, log *slog.Logger) (*server, error) {
	keys, err := newAuthorizedKeys(given.authorizedKeys, log)
	if err != nil {
		return nil, err
	}
	hostKeys, err := readHostKeys(given.hostKey)
	if err != nil {
		return nil, err
	}
	door, err := newDoor(given.hostKey, given.awaitLook)
	if err != nil {
		return nil, err
	}
	observer, err := readObserver(given.observerKey)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("cannot find this program: %w", err)
	}
	return &server{
		settings:     given,
		log:          log,
		keys:         keys,
		hostKeys:     hostKeys,
		door:         door,
		account:      findAccount("/etc/passwd", os.Getuid(), isProgram),
		self:         self,
		children:     theChildren(),
		use:          newUse(theChildren()),
		observer:     observer,
		agentFolders: []string{"/tmp", "/run", "/dev/shm"},

		handshakeGrace: handshakeGrace,
		loginGrace:     loginGrace,
		bounds:         newBounds(),
		connections:    map[ssh.Conn]bool{},
	}, nil
}

const serverVersion = "SSH-2.0-worldland"

// configOf is what one connection may agree on; `encrypted` is called as soon as it is.
func (s *server) configOf(hostKeyAlgorithms []string, encrypted func()) *ssh.ServerConfig {
	config := &ssh.ServerConfig{
		MaxAuthTries:  maxAuthTries,
		ServerVersion: serverVersion,
		// The library's default still takes SHA-1 signatures of RSA keys.
		PublicKeyAuthAlgorithms: ssh.SupportedAlgorithms().PublicKeyAuths,
		PreAuthConnCallback: func(client ssh.ServerPreAuthConn) {
			encrypted()
			s.door.heard(string(client.ClientVersion()))
		},
		PublicKeyCallback: func(connection ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if s.isObserver(connection, key) {
				return &ssh.Permissions{Extensions: map[string]string{"observes": "true"}}, nil
			}
			if connection.User() != loginName || !s.keys.has(key) {
				return nil, errors.New("not allowed")
			}
			// Strangers are not kept waiting: they would take the places of those who may log in.
			<-s.door.open
			return &ssh.Permissions{Extensions: map[string]string{"key": ssh.FingerprintSHA256(key)}}, nil
		},
	}
	if s.hostKeys.other != nil && needsAnotherHostKey(hostKeyAlgorithms) {
		config.AddHostKey(s.hostKeys.other)
	} else {
		config.AddHostKey(s.hostKeys.pinned)
	}
	return config
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
	loggedIn, channels, requests, err := s.logIn(connection)
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
	if loggedIn.Permissions.Extensions["observes"] != "" {
		s.serveObserver(loggedIn, channels, requests)
		return
	}
	if !s.bounds.connections.take() {
		s.log.Warn("too many connections", "from", from)
		loggedIn.Close()
		return
	}
	defer s.bounds.connections.give()
	if !s.note(loggedIn) {
		loggedIn.Close()
		return
	}
	key, version := loggedIn.Permissions.Extensions["key"], string(loggedIn.ClientVersion())
	s.log.Info("login", "from", from, "key", key, "client", version)
	began := time.Now()
	newClient(s, loggedIn).serve(channels, requests)
	s.forget(loggedIn)
	s.log.Info("logout", "from", from, "seconds", int(time.Since(began).Seconds()))
}

func (s *server) logIn(connection net.Conn) (*ssh.ServerConn, <-chan ssh.NewChannel, <-chan *ssh.Request, error) {
	handshakeUntil := time.Now().Add(s.handshakeGrace)
	_ = connection.SetDeadline(handshakeUntil)
	greeted, algorithms, err := greet(connection, serverVersion, handshakeUntil)
	if err != nil {
		return nil, nil, nil, err
	}
	_ = connection.SetDeadline(handshakeUntil)
	encrypted := func() { _ = connection.SetDeadline(time.Now().Add(s.loginGrace)) }
	loggedIn, channels, requests, err := ssh.NewServerConn(greeted, s.configOf(algorithms, encrypted))
	if err == nil {
		_ = connection.SetDeadline(time.Time{})
	}
	return loggedIn, channels, requests, err
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

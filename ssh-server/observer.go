package main

import (
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"
)

// The broker may ask what the job uses, and nothing else, with a key of its own.
const (
	observerName = "worldland"
	// Beside the file of keys that may log in. Servers of an earlier version leave it alone.
	observerKeysFile = "observer_keys"
	useSubsystem     = "worldland-use"
	// Observers hold no places of the customer's, and no more than these.
	maxObservers   = 4
	observerWithin = 15 * time.Second
)

// isObserver answers whether this key may ask. A job of an earlier broker has no such file, and nobody may.
func (s *server) isObserver(key ssh.PublicKey) bool {
	path := filepath.Join(filepath.Dir(s.settings.authorizedKeys), observerKeysFile)
	allowed, err := readAuthorizedKeys(path)
	return err == nil && allowed[string(key.Marshal())]
}

// serveObserver answers one question and hangs up.
func (s *server) serveObserver(connection ssh.Conn, channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
	defer connection.Close()
	if !s.bounds.observers.take() {
		return
	}
	defer s.bounds.observers.give()
	if !s.note(connection) {
		return
	}
	defer s.forget(connection)
	late := time.AfterFunc(observerWithin, func() { connection.Close() })
	defer late.Stop()
	go ssh.DiscardRequests(requests)
	for wanted := range channels {
		if wanted.ChannelType() != "session" {
			_ = wanted.Reject(ssh.Prohibited, "not for this key")
			continue
		}
		channel, asked, err := wanted.Accept()
		if err != nil {
			return
		}
		for request := range asked {
			isUse := request.Type == "subsystem" && subsystemIn(request.Payload) == useSubsystem
			if request.WantReply {
				_ = request.Reply(isUse, nil)
			}
			if isUse {
				s.sayUse(channel)
			}
		}
		return
	}
}

func subsystemIn(payload []byte) string {
	var wanted struct{ Name string }
	if ssh.Unmarshal(payload, &wanted) != nil {
		return ""
	}
	return wanted.Name
}

// sayUse answers with one line and closes the channel.
func (s *server) sayUse(channel ssh.Channel) {
	_, _ = channel.Write(s.use.answer())
	_ = channel.CloseWrite()
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
	channel.Close()
}

package main

import (
	"bytes"
	"errors"
	"time"

	"golang.org/x/crypto/ssh"
)

// The broker may ask what the job uses, and nothing else, with a key of its own.
const (
	observerName = "worldland"
	useSubsystem = "worldland-use"
	// Observers hold no places of the customer's, and no more than these.
	maxObservers   = 4
	observerWithin = 15 * time.Second
)

// readObserver reads the public key that may ask. Without one nobody may but the customer.
func readObserver(text string) (ssh.PublicKey, error) {
	if text == "" {
		return nil, nil
	}
	key, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(text))
	if err != nil || len(options) > 0 || len(rest) > 0 {
		return nil, errors.New("--observer-key: not a public key without options")
	}
	return key, nil
}

func (s *server) isObserver(connection ssh.ConnMetadata, key ssh.PublicKey) bool {
	return connection.User() == observerName && s.observer != nil && bytes.Equal(key.Marshal(), s.observer.Marshal())
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
	sendExitStatus(channel, 0)
	endOutput(channel)
}

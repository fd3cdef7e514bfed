package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"os"
	"strings"
	"sync"
	"time"
)

// More than the broker may look at the port (SSH_PROBE_TIMEOUT_S, 75 seconds at most). If it looks no more, customers are
// not locked out; and a job that it does not want is gone by then.
const opensWithin = 90 * time.Second

// lookPrefix is what the broker calls itself when it looks; its word follows.
const lookPrefix = "SSH-2.0-worldland_look_"

// door keeps the customer out, and his program, until the broker has seen from where it stands that the port answers
// with the machine's own key. Before that nothing is paid; and what ran before that could keep the broker from seeing it.
type door struct {
	word string
	once sync.Once
	open chan struct{}
}

// newDoor is closed if the broker will look, and open otherwise.
func newDoor(hostKeyFile string, awaitsLook bool) (*door, error) {
	made := &door{open: make(chan struct{})}
	if !awaitsLook {
		made.opens()
		return made, nil
	}
	text, err := os.ReadFile(hostKeyFile)
	if err != nil {
		return nil, err
	}
	made.word = lookWord(text)
	return made, nil
}

// lookWord is known to whoever has the machine's private key: the broker, and not the customer. It opens nothing but
// this door, so it does not matter who hears it when the broker says it.
func lookWord(hostKey []byte) string {
	mac := hmac.New(sha256.New, hostKey)
	mac.Write([]byte("worldland: the broker has looked"))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

func (d *door) opens() { d.once.Do(func() { close(d.open) }) }

func (d *door) opensAfter(patience time.Duration) { time.AfterFunc(patience, d.opens) }

// heard is called once a client has taken the machine's key.
func (d *door) heard(clientVersion string) {
	said, isLook := strings.CutPrefix(clientVersion, lookPrefix)
	if isLook && d.word != "" && subtle.ConstantTimeCompare([]byte(said), []byte(d.word)) == 1 {
		d.opens()
	}
}

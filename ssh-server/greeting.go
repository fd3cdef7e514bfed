package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"
)

const (
	// A client sends its version and its algorithms without being asked. One that waits for the server's first is taken
	// for one that knows every host key.
	greetingPatience = 3 * time.Second
	// RFC 4253: a version line has 255 bytes at most, a packet 35,000.
	longestVersion = 255
	longestPacket  = 35_000
	kexInit        = 20
)

// greeted is a connection of which the first bytes were read and written already: the library reads them once more, and
// its version line is not sent twice.
type greeted struct {
	net.Conn
	unread  []byte
	written int
}

func (g *greeted) Read(into []byte) (int, error) {
	if len(g.unread) == 0 {
		return g.Conn.Read(into)
	}
	count := copy(into, g.unread)
	g.unread = g.unread[count:]
	return count, nil
}

func (g *greeted) Write(from []byte) (int, error) {
	skipped := min(g.written, len(from))
	g.written -= skipped
	if skipped == len(from) {
		return skipped, nil
	}
	count, err := g.Conn.Write(from[skipped:])
	return skipped + count, err
}

// greet sends the server's version and reads what the client says first, which is not encrypted yet. It answers the
// host key algorithms that the client knows; none if it did not say, or said what the library may judge.
func greet(connection net.Conn, version string, until time.Time) (*greeted, []string, error) {
	line := version + "\r\n"
	if _, err := io.WriteString(connection, line); err != nil {
		return nil, nil, err
	}
	if soon := time.Now().Add(greetingPatience); soon.Before(until) {
		until = soon
	}
	if err := connection.SetReadDeadline(until); err != nil {
		return nil, nil, err
	}
	var said []byte
	buffer := make([]byte, 4096)
	for {
		count, err := connection.Read(buffer)
		said = append(said, buffer[:count]...)
		algorithms, complete := hostKeyAlgorithms(said)
		if complete || errors.Is(err, os.ErrDeadlineExceeded) && len(said) > 0 {
			return &greeted{connection, said, len(line)}, algorithms, nil
		}
		if err != nil {
			return nil, nil, err
		}
	}
}

// hostKeyAlgorithms reads them from a version line and the KEXINIT after it (RFC 4253, 4.2 and 7.1). It is complete as
// soon as more bytes would change nothing.
func hostKeyAlgorithms(said []byte) (algorithms []string, complete bool) {
	end := bytes.IndexByte(said, '\n')
	if end < 0 {
		return nil, len(said) > longestVersion
	}
	packet := said[end+1:]
	if end > longestVersion || !bytes.HasPrefix(said, []byte("SSH-")) {
		return nil, true
	}
	if len(packet) < 4 {
		return nil, false
	}
	length := binary.BigEndian.Uint32(packet)
	if length > longestPacket || length < 2 {
		return nil, true
	}
	if uint32(len(packet)-4) < length {
		return nil, false
	}
	padding := uint32(packet[4])
	if padding+1 > length {
		return nil, true
	}
	var message struct {
		Cookie  [16]byte `sshtype:"20"`
		Kex     []string
		HostKey []string
		Rest    []byte `ssh:"rest"`
	}
	payload := packet[5 : 4+length-padding]
	if len(payload) == 0 || payload[0] != kexInit || ssh.Unmarshal(payload, &message) != nil {
		return nil, true
	}
	return message.HostKey, true
}

// needsAnotherHostKey answers whether a client cannot check the machine's own key. Every other client is shown that one
// and no other: it is the one in known_hosts, and clients that have no preference would take the other.
func needsAnotherHostKey(algorithms []string) bool {
	return slices.Contains(algorithms, ssh.KeyAlgoECDSA256) && !slices.Contains(algorithms, ssh.KeyAlgoED25519)
}

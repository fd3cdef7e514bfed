package main

import (
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

const dialPatience = 5 * time.Second

// directTCP is the payload of a direct-tcpip channel (RFC 4254, 7.2): what `ssh -L`, `-D` and `-W` open.
type directTCP struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
}

// directSocket is the payload of a direct-streamlocal channel (PROTOCOL of OpenSSH, 2.4).
type directSocket struct {
	Path     string
	Reserved string
	Unused   uint32
}

// stream is a connection of which either direction can end before the other.
type stream interface {
	io.ReadWriteCloser
	CloseWrite() error
}

// loopbackTargets are the addresses that stand for a wanted host, as long as it is the container itself. Notebooks and
// dashboards listen there; anything else would make the rented machine a relay into the cluster's network.
func loopbackTargets(host string) []string {
	if host == "localhost" {
		return []string{"127.0.0.1", "::1"}
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		return []string{ip.String()}
	}
	return nil
}

// forwardToPort connects a direct-tcpip channel with a port of the container's own loopback.
func forwardToPort(wanted ssh.NewChannel) {
	var request directTCP
	if err := ssh.Unmarshal(wanted.ExtraData(), &request); err != nil || request.Port == 0 || request.Port > 65_535 {
		_ = wanted.Reject(ssh.ConnectionFailed, "unreadable request")
		return
	}
	targets := loopbackTargets(request.Host)
	if targets == nil {
		_ = wanted.Reject(ssh.Prohibited, "only localhost of this machine can be forwarded")
		return
	}
	connection, err := dialFirst(targets, request.Port)
	if err != nil {
		_ = wanted.Reject(ssh.ConnectionFailed, "nothing listens at that port")
		return
	}
	accept(wanted, connection)
}

// forwardToSocket connects a channel with a unix socket of the container.
func forwardToSocket(wanted ssh.NewChannel) {
	var request directSocket
	if err := ssh.Unmarshal(wanted.ExtraData(), &request); err != nil || !isSocketPath(request.Path) {
		_ = wanted.Reject(ssh.ConnectionFailed, "a socket is named by its whole path, of 107 bytes at most")
		return
	}
	connection, err := net.DialTimeout("unix", request.Path, dialPatience)
	if err != nil {
		_ = wanted.Reject(ssh.ConnectionFailed, "nothing listens at that socket")
		return
	}
	accept(wanted, connection.(*net.UnixConn))
}

// What the kernel takes for the name of a socket. A path that begins otherwise would depend on the server's own folder,
// or name no file at all: Go takes an @ for an abstract name.
func isSocketPath(path string) bool {
	return strings.HasPrefix(path, "/") && len(path) <= 107 && !strings.ContainsRune(path, 0)
}

func accept(wanted ssh.NewChannel, connection stream) {
	channel, requests, err := wanted.Accept()
	if err != nil {
		connection.Close()
		return
	}
	join(channel, requests, connection)
}

// join copies both ways until both directions have ended, or the channel was closed: also if the client has vanished
// while the other side says nothing.
func join(channel ssh.Channel, requests <-chan *ssh.Request, connection stream) {
	go func() {
		ssh.DiscardRequests(requests)
		connection.Close()
	}()
	var directions sync.WaitGroup
	directions.Go(func() {
		_, _ = io.Copy(connection, channel)
		_ = connection.CloseWrite()
	})
	directions.Go(func() {
		_, _ = io.Copy(channel, connection)
		_ = channel.CloseWrite()
	})
	directions.Wait()
	connection.Close()
	channel.Close()
}

func dialFirst(addresses []string, port uint32) (*net.TCPConn, error) {
	var last error
	for _, address := range addresses {
		connection, err := net.DialTimeout("tcp", net.JoinHostPort(address, strconv.Itoa(int(port))), dialPatience)
		if err == nil {
			return connection.(*net.TCPConn), nil
		}
		last = err
	}
	return nil, last
}

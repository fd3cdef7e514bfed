package main

import (
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// forwardRequest is the payload of a direct-tcpip channel (RFC 4254, 7.2): what `ssh -L` opens.
type forwardRequest struct {
	Host       string
	Port       uint32
	OriginHost string
	OriginPort uint32
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

// forward connects a direct-tcpip channel with a port of the container's own loopback.
func forward(wanted ssh.NewChannel) {
	var request forwardRequest
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
	channel, requests, err := wanted.Accept()
	if err != nil {
		connection.Close()
		return
	}
	go ssh.DiscardRequests(requests)
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
		connection, err := net.DialTimeout("tcp", net.JoinHostPort(address, strconv.Itoa(int(port))), 5*time.Second)
		if err == nil {
			return connection.(*net.TCPConn), nil
		}
		last = err
	}
	return nil, last
}

package main

import (
	"net"
	"sync"
)

// A connection counts here until it has logged in. The port is open to the internet: without bounds strangers could
// hold all memory, and with one bound for everybody a single stranger could keep the customer out.
const (
	maxPending           = 128
	maxPendingPerAddress = 16
)

// admission counts connections that have not logged in yet, in all and for each address.
type admission struct {
	mu      sync.Mutex
	all     int
	pending map[string]int
}

// enter answers whether one more may try to log in. If so, leave must be called once.
func (a *admission) enter(from net.Addr) (leave func(), ok bool) {
	host, _, err := net.SplitHostPort(from.String())
	if err != nil {
		host = from.String()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.all >= maxPending || a.pending[host] >= maxPendingPerAddress {
		return nil, false
	}
	if a.pending == nil {
		a.pending = map[string]int{}
	}
	a.all++
	a.pending[host]++
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.all--
		if a.pending[host]--; a.pending[host] == 0 {
			delete(a.pending, host)
		}
	}, true
}

package main

import "sync/atomic"

// What logged-in clients may hold at a time, all of them together. They are root in the container anyway, so this keeps
// no secrets; but this server is the container's first process, and its end would be the end of the rental. Each number
// is several times what people use.
const (
	maxConnections = 128
	// A ControlMaster of many windows, an editor and its terminals.
	maxSessions = 256
	// Forwarded connections in either direction, those of agents among them.
	maxForwarded = 512
	// Ports and sockets that clients have this machine listen on.
	maxListeners = 64
	// Of those, one client's.
	maxListenersOfOne = 32
)

// bound counts what is held at a time.
type bound struct {
	most int64
	held atomic.Int64
}

// take answers whether one more may be held. If so, give must be called once.
func (b *bound) take() bool {
	if b.held.Add(1) <= b.most {
		return true
	}
	b.held.Add(-1)
	return false
}

func (b *bound) give() {
	b.held.Add(-1)
}

type bounds struct {
	connections, sessions, forwarded, listeners, observers bound
}

func newBounds() *bounds {
	return &bounds{
		connections: bound{most: maxConnections},
		sessions:    bound{most: maxSessions},
		forwarded:   bound{most: maxForwarded},
		listeners:   bound{most: maxListeners},
		observers:   bound{most: maxObservers},
	}
}

// Package tools pins the engine of network policies that a real node of the tests runs.
//
//go:build tools

package tools

import _ "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router"

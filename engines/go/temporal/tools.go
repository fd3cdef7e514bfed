// Package tools pins the Temporal CLI, which carries the development server and its UI.
//
//go:build tools

package tools

import _ "github.com/temporalio/cli/cmd/temporal"

// Package tools pins the Temporal CLI, which carries the development server and its UI, and the programs of Temporal's
// production images: server, schema tool, UI.
//
//go:build tools

package tools

import (
	_ "github.com/temporalio/cli/cmd/temporal"
	_ "github.com/temporalio/ui-server/v2/cmd/server"
	_ "go.temporal.io/server/cmd/server"
	_ "go.temporal.io/server/cmd/tools/sql"
)

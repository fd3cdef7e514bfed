package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

type dockerfile struct {
	Warnings []string `json:"warnings"`
	Stages   []stage  `json:"stages"`
}

type stage struct {
	Name  string `json:"name"`
	Base  string `json:"base"`
	Steps []step `json:"steps"`
}

// step is one instruction; which of the members it has depends on its kind.
type step struct {
	Kind string `json:"kind"`
	// The words of CMD, RUN and HEALTHCHECK, and whether a shell gets them.
	Words []string `json:"words,omitempty"`
	Shell bool     `json:"shell,omitempty"`
	// COPY: the stage it copies from; without, the folder of the build.
	From        string   `json:"from,omitempty"`
	Sources     []string `json:"sources,omitempty"`
	Destination string   `json:"destination,omitempty"`
	// WORKDIR, USER.
	Value string `json:"value,omitempty"`
	// ENV.
	Variables map[string]string `json:"variables,omitempty"`
}

// readDockerfile parses a Dockerfile and makes sure that what it copies out of the folder can be copied.
func readDockerfile(file, folder string) (any, error) {
	text, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer text.Close()
	parsed, err := parser.Parse(text)
	if err != nil {
		return nil, err
	}
	found := dockerfile{Warnings: []string{}}
	for _, warning := range parsed.Warnings {
		found.Warnings = append(found.Warnings, warning.Short)
	}
	lint := linter.New(&linter.Config{Warn: func(rule, _, _, message string, _ []parser.Range) {
		found.Warnings = append(found.Warnings, rule+": "+message)
	}})
	stages, _, err := instructions.Parse(parsed.AST, lint)
	if err != nil {
		return nil, err
	}
	ignored, err := ignoredIn(folder)
	if err != nil {
		return nil, err
	}
	var problems []error
	for at, parsed := range stages {
		read := stage{Name: parsed.Name, Base: parsed.BaseName, Steps: []step{}}
		for _, command := range parsed.Commands {
			next, err := stepOf(command)
			if err != nil {
				return nil, err
			}
			read.Steps = append(read.Steps, next)
			if next.Kind != "COPY" {
				continue
			}
			if next.From != "" {
				if from, ok := instructions.HasStage(stages, next.From); !ok || from >= at {
					problems = append(problems, fmt.Errorf("COPY --from=%s: no stage of this name comes before", next.From))
				}
				continue
			}
			problems = append(problems, missing(folder, next.Sources, ignored)...)
		}
		found.Stages = append(found.Stages, read)
	}
	return found, errors.Join(problems...)
}

func stepOf(command instructions.Command) (step, error) {
	next := step{Kind: command.Name()}
	switch c := command.(type) {
	case *instructions.CopyCommand:
		next.From, next.Sources, next.Destination = c.From, c.SourcePaths, c.DestPath
	case *instructions.RunCommand:
		next.Words, next.Shell = c.CmdLine, c.PrependShell
	case *instructions.CmdCommand:
		next.Words, next.Shell = c.CmdLine, c.PrependShell
	case *instructions.HealthCheckCommand:
		next.Words = c.Health.Test
	case *instructions.WorkdirCommand:
		next.Value = c.Path
	case *instructions.UserCommand:
		next.Value = c.User
	case *instructions.EnvCommand:
		next.Variables = map[string]string{}
		for _, pair := range c.Env {
			// Without its quotes, as the builder takes it; ours refer to no other variables.
			value, _, err := shell.NewLex('\\').ProcessWord(pair.Value, shell.EnvsFromSlice(nil))
			if err != nil {
				return next, fmt.Errorf("ENV %s: %w", pair.Key, err)
			}
			next.Variables[pair.Key] = value
		}
	}
	return next, nil
}

func ignoredIn(folder string) (*patternmatcher.PatternMatcher, error) {
	file, err := os.Open(filepath.Join(folder, ".dockerignore"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		return nil, err
	}
	return patternmatcher.New(patterns)
}

func missing(folder string, sources []string, ignored *patternmatcher.PatternMatcher) []error {
	var problems []error
	for _, source := range sources {
		if _, err := os.Stat(filepath.Join(folder, source)); err != nil {
			problems = append(problems, fmt.Errorf("COPY %s: it is not there", source))
			continue
		}
		hidden, err := ignored.MatchesOrParentMatches(source)
		if err != nil {
			problems = append(problems, err)
		} else if hidden {
			problems = append(problems, fmt.Errorf("COPY %s: .dockerignore leaves it out", source))
		}
	}
	return problems
}

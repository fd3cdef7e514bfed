package main

import (
	"os"
	"path/filepath"
	"strings"
)

// Where programs look for what a terminal can do; the image may have none of them.
var terminfoFolders = []string{"/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo", "/usr/lib/terminfo", "/usr/local/share/terminfo"}

// knownTerminal is the value of TERM: the client's own where the image knows it. A newer terminal (kitty, ghostty,
// alacritty) that it does not know is shown as the older one that it imitates, if the image knows that: without, `top`,
// `less` and `tmux` would not start. Whoever installs its description is asked no more.
func knownTerminal(kind, home string) string {
	// Such a name can be no variable's value, or would lead out of the folders.
	if len(kind) > 64 || strings.ContainsAny(kind, "/\x00\n") {
		return ""
	}
	folders := append([]string{filepath.Join(home, ".terminfo")}, terminfoFolders...)
	if own := os.Getenv("TERMINFO"); own != "" {
		folders = append(folders, own)
	}
	if more := os.Getenv("TERMINFO_DIRS"); more != "" {
		folders = append(folders, strings.Split(more, ":")...)
	}
	return knownAmong(kind, folders)
}

func knownAmong(kind string, folders []string) string {
	for _, name := range append([]string{kind}, imitated(kind)...) {
		if name != "" && isDescribed(name, folders) {
			return name
		}
	}
	return kind
}

// imitated are the terminals that one of this kind can be taken for, the most capable first.
func imitated(kind string) []string {
	switch {
	case strings.HasPrefix(kind, "tmux") || strings.HasPrefix(kind, "screen"):
		return []string{"screen-256color", "screen"}
	case kind == "" || kind == "dumb" || strings.HasPrefix(kind, "vt") || strings.HasPrefix(kind, "linux"):
		return nil
	}
	return []string{"xterm-256color", "xterm"}
}

func isDescribed(name string, folders []string) bool {
	for _, folder := range folders {
		// By the first letter, or by its number where file names have no capitals.
		for _, letter := range []string{name[:1], hexOf(name[0])} {
			if info, err := os.Stat(filepath.Join(folder, letter, name)); err == nil && info.Mode().IsRegular() {
				return true
			}
		}
	}
	return false
}

func hexOf(letter byte) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[letter>>4], digits[letter&15]})
}

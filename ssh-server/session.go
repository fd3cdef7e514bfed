package main

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/crypto/ssh"
)

const noShell = "This image has no shell, so neither commands nor a login can be run in it. Files can be copied with sftp or scp.\r\n"

// session is one `session` channel: settings come first, then one program, then news about it (RFC 4254, 6).
type session struct {
	server   *server
	client   *client
	channel  ssh.Channel
	terminal *terminal
	env      []string
	// The socket of the client's agent, if it forwards one.
	agent   string
	child   *child
	started bool
}

func (c *client) serveSession(wanted ssh.NewChannel) {
	channel, requests, err := wanted.Accept()
	if err != nil {
		return
	}
	one := &session{server: c.server, client: c, channel: channel}
	for request := range requests {
		ok, next := one.answer(request)
		if request.WantReply {
			_ = request.Reply(ok, nil)
		}
		// Only now: a program that ends at once must not close the channel before the client has its answer.
		if next != nil {
			next()
		}
	}
	// The client is gone. With a terminal its processes hear of it; without one they may go on, as those of OpenSSH do.
	if !one.started && one.terminal != nil {
		one.terminal.slave.Close()
	}
	if one.terminal != nil {
		one.terminal.master.Close()
	}
	channel.Close()
}

// answer says whether a request is granted, and what is to be done once the client knows.
func (s *session) answer(request *ssh.Request) (ok bool, next func()) {
	switch request.Type {
	case "env":
		return s.setVariable(request.Payload), nil
	case "pty-req":
		return s.takeTerminal(request.Payload), nil
	case "window-change":
		var window windowChange
		if s.terminal == nil || ssh.Unmarshal(request.Payload, &window) != nil {
			return false, nil
		}
		s.terminal.resize(window)
		return true, nil
	case "signal":
		var named struct{ Name string }
		if s.child == nil || ssh.Unmarshal(request.Payload, &named) != nil {
			return false, nil
		}
		number, known := signalNumbers[named.Name]
		if known {
			s.server.children.signal(s.child, number)
		}
		return known, nil
	case "shell":
		// No login shell: Debian's /etc/profile would take PATH back to its own, without CUDA's folders.
		return s.mayStart(s.server.account.shell)
	case "exec":
		var wanted struct{ Command string }
		if ssh.Unmarshal(request.Payload, &wanted) != nil {
			return false, nil
		}
		return s.mayRun(wanted.Command)
	case "subsystem":
		switch subsystemIn(request.Payload) {
		case "sftp":
			return s.mayStart(s.server.self, "sftp")
		case useSubsystem:
			return s.mayAskUse()
		default:
			return false, nil
		}
	case "auth-agent-req@openssh.com":
		return s.takeAgent(), nil
	case "break":
		return s.terminal != nil && s.terminal.sendBreak() == nil, nil
	default:
		// X11 forwarding among them.
		return false, nil
	}
}

// takeAgent forwards the client's agent to this session, and to no other that does not ask for it.
func (s *session) takeAgent() bool {
	if s.started {
		return false
	}
	path, err := s.client.agentSocket()
	if err != nil {
		s.server.log.Warn("no agent", "error", err.Error())
		return false
	}
	s.agent = path
	return true
}

func (s *session) takeTerminal(payload []byte) bool {
	if s.started || s.terminal != nil {
		return false
	}
	opened, err := openTerminal(payload)
	if err != nil {
		s.server.log.Warn("no terminal", "error", err.Error())
		return false
	}
	s.terminal = opened
	return true
}

// setVariable takes what says how a terminal shows text. More would let a client change how programs work, which is
// what OpenSSH's default refuses too.
func (s *session) setVariable(payload []byte) bool {
	var variable struct{ Name, Value string }
	if s.started || len(s.env) >= 32 || ssh.Unmarshal(payload, &variable) != nil {
		return false
	}
	isWanted := variable.Name == "LANG" || variable.Name == "COLORTERM" || variable.Name == "NO_COLOR" ||
		strings.HasPrefix(variable.Name, "LC_")
	if !isWanted || strings.ContainsAny(variable.Name+variable.Value, "=\x00") || len(variable.Value) > 256 {
		return false
	}
	s.env = append(s.env, variable.Name+"="+variable.Value)
	return true
}

// mayRun grants a command, in the words of the account's shell.
func (s *session) mayRun(command string) (ok bool, next func()) {
	shell := s.server.account.shell
	if !isScp(command) || hasProgram("scp", environment(containerVariables())) {
		return s.mayStart(shell, "-c", command)
	}
	if shell == "" {
		if args, plain := plainWords(command); plain {
			return s.mayStart(s.server.self, args...)
		}
	}
	return s.mayStart(shell, "-c", scpOf(s.server.self, command))
}

// mayStart grants the one program of a session. What goes wrong with it then is said where the customer looks, on
// standard error, and by the exit status.
func (s *session) mayStart(path string, args ...string) (ok bool, next func()) {
	if s.started {
		return false, nil
	}
	s.started = true
	return true, func() {
		if path == "" {
			s.giveUp(noShell, 127)
			return
		}
		user := s.server.account
		argv := append([]string{filepath.Base(path)}, args...)
		attributes := &syscall.ProcAttr{Dir: user.folder(), Env: s.environment(user), Sys: &syscall.SysProcAttr{}}
		start := s.startOnPipes
		if s.terminal != nil {
			start = s.startOnTerminal
		}
		if err := start(path, argv, attributes); err != nil {
			s.giveUp(fmt.Sprintf("%s cannot be started: %v\r\n", path, err), 126)
		}
	}
}

// mayAskUse grants what the job uses. It takes the place of the session's program.
func (s *session) mayAskUse() (ok bool, next func()) {
	if s.started || s.terminal != nil {
		return false, nil
	}
	s.started = true
	return true, func() { go s.server.sayUse(s.channel) }
}

func (s *session) environment(user account) []string {
	from, fromPort, _ := net.SplitHostPort(s.client.RemoteAddr().String())
	to, toPort, _ := net.SplitHostPort(s.client.LocalAddr().String())
	own := []string{
		"HOME=" + user.home, "USER=" + loginName, "LOGNAME=" + loginName,
		"SSH_CLIENT=" + strings.Join([]string{from, fromPort, toPort}, " "),
		"SSH_CONNECTION=" + strings.Join([]string{from, fromPort, to, toPort}, " "),
	}
	if user.shell != "" {
		own = append(own, "SHELL="+user.shell)
	}
	if s.terminal != nil {
		own = append(own, "SSH_TTY="+s.terminal.slave.Name())
		if kind := knownTerminal(s.terminal.kind, user.home); kind != "" {
			own = append(own, "TERM="+kind)
		}
	}
	if s.agent != "" {
		own = append(own, "SSH_AUTH_SOCK="+s.agent)
	}
	return environment(containerVariables(), own, s.env)
}

// The signals that RFC 4254 names (6.9, 6.10).
var signalNumbers = map[string]syscall.Signal{
	"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "FPE": syscall.SIGFPE, "HUP": syscall.SIGHUP, "ILL": syscall.SIGILL,
	"INT": syscall.SIGINT, "KILL": syscall.SIGKILL, "PIPE": syscall.SIGPIPE, "QUIT": syscall.SIGQUIT,
	"SEGV": syscall.SIGSEGV, "TERM": syscall.SIGTERM, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

var signalNames = func() map[syscall.Signal]string {
	names := map[syscall.Signal]string{}
	for name, number := range signalNumbers {
		names[number] = name
	}
	return names
}()

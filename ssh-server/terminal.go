package main

import (
	"encoding/binary"
	"fmt"
	"os"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// terminal is the master's side of a pseudo terminal; the slave's is given to the child.
type terminal struct {
	master *os.File
	slave  *os.File
	// The value of TERM.
	kind string
}

// ptyRequest is the payload of a pty-req (RFC 4254, 6.2).
type ptyRequest struct {
	Term                         string
	Columns, Rows, Width, Height uint32
	Modes                        string
}

// windowChange is the payload of a window-change (RFC 4254, 6.7).
type windowChange struct {
	Columns, Rows, Width, Height uint32
}

func openTerminal(payload []byte) (*terminal, error) {
	var request ptyRequest
	if err := ssh.Unmarshal(payload, &request); err != nil {
		return nil, err
	}
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		// A device of its own file system, where nobody made the link to it.
		master, err = unix.Open("/dev/pts/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	}
	if err != nil {
		return nil, fmt.Errorf("no pseudo terminals here: %w", err)
	}
	opened := &terminal{master: os.NewFile(uintptr(master), "/dev/ptmx"), kind: request.Term}
	if err := opened.openSlave(master); err != nil {
		opened.master.Close()
		return nil, err
	}
	setModes(int(opened.slave.Fd()), []byte(request.Modes))
	opened.resize(windowChange{request.Columns, request.Rows, request.Width, request.Height})
	return opened, nil
}

func (t *terminal) openSlave(master int) error {
	number, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
	if err != nil {
		return err
	}
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return err
	}
	path := fmt.Sprintf("/dev/pts/%d", number)
	slave, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	t.slave = os.NewFile(uintptr(slave), path)
	return nil
}

func (t *terminal) resize(window windowChange) {
	size := &unix.Winsize{
		Col: cells(window.Columns), Row: cells(window.Rows), Xpixel: cells(window.Width), Ypixel: cells(window.Height),
	}
	// Through the connection of the file: asking for its descriptor would make reads from it block for good.
	if raw, err := t.master.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) { _ = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, size) })
	}
}

// cells is a size as the kernel can hold it; cut short, 65,536 columns would be none.
func cells(wanted uint32) uint16 {
	return uint16(min(wanted, 65_535))
}

// sendBreak does what the break of a serial line would.
func (t *terminal) sendBreak() error {
	raw, err := t.master.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = unix.IoctlSetInt(int(fd), unix.TCSBRK, 0) }); err != nil {
		return err
	}
	return failed
}

// setModes applies the encoded terminal modes of a pty-req (RFC 4254, 8): what the Backspace key sends, whether there
// is an echo, and the like. Modes that Linux does not know are left out.
func setModes(fd int, encoded []byte) {
	settings, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return
	}
	for len(encoded) >= 5 && encoded[0] > 0 && encoded[0] < 160 {
		opcode, value := encoded[0], binary.BigEndian.Uint32(encoded[1:5])
		encoded = encoded[5:]
		if character, known := controlCharacters[opcode]; known {
			// 255 says that nothing is bound to it, which is 0 in Linux.
			if value == 255 {
				value = 0
			}
			settings.Cc[character] = uint8(value)
			continue
		}
		if flag, known := modeFlags[opcode]; known {
			field := flag.of(settings)
			*field &^= flag.clear
			if value != 0 {
				*field |= flag.set
			}
		}
	}
	_ = unix.IoctlSetTermios(fd, unix.TCSETS, settings)
}

var controlCharacters = map[uint8]int{
	1: unix.VINTR, 2: unix.VQUIT, 3: unix.VERASE, 4: unix.VKILL, 5: unix.VEOF, 6: unix.VEOL, 7: unix.VEOL2,
	8: unix.VSTART, 9: unix.VSTOP, 10: unix.VSUSP, 12: unix.VREPRINT, 13: unix.VWERASE, 14: unix.VLNEXT,
	18: unix.VDISCARD,
}

type modeFlag struct {
	of         func(*unix.Termios) *uint32
	clear, set uint32
}

func input(flag uint32) modeFlag {
	return modeFlag{func(t *unix.Termios) *uint32 { return &t.Iflag }, flag, flag}
}

func output(flag uint32) modeFlag {
	return modeFlag{func(t *unix.Termios) *uint32 { return &t.Oflag }, flag, flag}
}

func local(flag uint32) modeFlag {
	return modeFlag{func(t *unix.Termios) *uint32 { return &t.Lflag }, flag, flag}
}

func control(clear, set uint32) modeFlag {
	return modeFlag{func(t *unix.Termios) *uint32 { return &t.Cflag }, clear, set}
}

var modeFlags = map[uint8]modeFlag{
	30: input(unix.IGNPAR), 31: input(unix.PARMRK), 32: input(unix.INPCK), 33: input(unix.ISTRIP), 34: input(unix.INLCR),
	35: input(unix.IGNCR), 36: input(unix.ICRNL), 37: input(unix.IUCLC), 38: input(unix.IXON), 39: input(unix.IXANY),
	40: input(unix.IXOFF), 41: input(unix.IMAXBEL), 42: input(unix.IUTF8),
	50: local(unix.ISIG), 51: local(unix.ICANON), 52: local(unix.XCASE), 53: local(unix.ECHO), 54: local(unix.ECHOE),
	55: local(unix.ECHOK), 56: local(unix.ECHONL), 57: local(unix.NOFLSH), 58: local(unix.TOSTOP), 59: local(unix.IEXTEN),
	60: local(unix.ECHOCTL), 61: local(unix.ECHOKE), 62: local(unix.PENDIN),
	70: output(unix.OPOST), 71: output(unix.OLCUC), 72: output(unix.ONLCR), 73: output(unix.OCRNL), 74: output(unix.ONOCR),
	75: output(unix.ONLRET),
	90: control(unix.CSIZE, unix.CS7), 91: control(unix.CSIZE, unix.CS8),
	92: control(unix.PARENB, unix.PARENB), 93: control(unix.PARODD, unix.PARODD),
}

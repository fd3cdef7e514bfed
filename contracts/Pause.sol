// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Roles} from "./Roles.sol";

/// The guardian's pause, which ends by itself, and rests before the next one: whoever has his key can delay, not hold.
abstract contract Pause is Roles {
    uint64 public constant PAUSE_LASTS = 72 hours;
    uint64 public constant PAUSE_RESTS = 96 hours;

    /// In seconds since 1970; a time that is past means that nothing is paused.
    uint64 public pausedUntil;
    bool private entered;

    event PauseStarted(uint64 until);
    event PauseEnded();

    error NotGuardian();
    error Paused();
    error NotPaused();
    error TooEarly();
    error Reentered();

    modifier whileRunning() {
        require(block.timestamp >= pausedUntil, Paused());
        _;
    }

    /// No token may come back into the vault while it is being called.
    modifier nonReentrant() {
        require(!entered, Reentered());
        entered = true;
        _;
        entered = false;
    }

    function pause() external {
        requireGuardian();
        require(pausedUntil == 0 || block.timestamp >= pausedUntil + PAUSE_RESTS, TooEarly());
        pausedUntil = uint64(block.timestamp) + PAUSE_LASTS;
        emit PauseStarted(pausedUntil);
    }

    /// The rest counts from here.
    function unpause() external {
        requireGuardian();
        require(block.timestamp < pausedUntil, NotPaused());
        pausedUntil = uint64(block.timestamp);
        emit PauseEnded();
    }

    function requireGuardian() internal view {
        require(msg.sender == guardian(), NotGuardian());
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {TestToken} from "./TestToken.sol";
import {Wallet} from "./Wallet.sol";

/// Keeps a hundredth of whatever is sent.
contract FeeToken is TestToken {
    constructor() TestToken(18) {}

    function move(address from, address to, uint256 amount) internal override {
        super.move(from, to, amount);
        super.move(to, address(0xfee), amount / 100);
    }
}

/// Takes one unit more from the sender than is sent.
contract GreedyToken is TestToken {
    constructor() TestToken(18) {}

    function move(address from, address to, uint256 amount) internal override {
        super.move(from, to, amount);
        super.move(from, address(0xfee), 1);
    }
}

/// Says false where others revert.
contract RefusingToken is TestToken {
    constructor() TestToken(6) {}

    function transfer(address to, uint256 amount) external override returns (bool) {
        if (balanceOf[msg.sender] < amount) return false;
        move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external override returns (bool) {
        if (balanceOf[from] < amount || allowance[from][msg.sender] < amount) return false;
        useAllowance(from, amount);
        move(from, to, amount);
        return true;
    }
}

/// Reverts for those whom its owner does not like.
contract BlacklistToken is TestToken {
    mapping(address => bool) public refused;

    constructor() TestToken(6) {}

    function refuse(address who, bool isRefused) external {
        refused[who] = isRefused;
    }

    function move(address from, address to, uint256 amount) internal override {
        require(!refused[from] && !refused[to], "refused");
        super.move(from, to, amount);
    }
}

/// Tells both wallets, and so gives them the word in the midst of a transfer.
contract ReentrantToken is TestToken {
    constructor() TestToken(18) {}

    function move(address from, address to, uint256 amount) internal override {
        super.move(from, to, amount);
        tell(from);
        tell(to);
    }

    function tell(address who) private {
        if (who.code.length > 0) try Wallet(who).tokensMoved() {} catch {}
    }
}

/// Returns nothing, as the first stablecoin does. It cannot derive from the others: the types differ.
contract SilentToken {
    uint8 public constant decimals = 6;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        require(allowance[from][msg.sender] >= amount, "allowance");
        allowance[from][msg.sender] -= amount;
        move(from, to, amount);
    }

    function move(address from, address to, uint256 amount) private {
        require(balanceOf[from] >= amount, "balance");
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

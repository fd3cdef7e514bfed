// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// An ERC-20 token that anybody may mint: for tests and demonstrations, worth nothing. The others here derive from it.
contract TestToken {
    uint8 public immutable decimals;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    event Transfer(address indexed from, address indexed to, uint256 amount);
    event Approval(address indexed owner, address indexed spender, uint256 amount);

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function name() external pure returns (string memory) {
        return "Test token";
    }

    function symbol() external pure returns (string memory) {
        return "TEST";
    }

    function mint(address to, uint256 amount) external {
        totalSupply += amount;
        balanceOf[to] += amount;
        emit Transfer(address(0), to, amount);
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    function transfer(address to, uint256 amount) external virtual returns (bool) {
        move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external virtual returns (bool) {
        useAllowance(from, amount);
        move(from, to, amount);
        return true;
    }

    function useAllowance(address from, uint256 amount) internal {
        uint256 left = allowance[from][msg.sender];
        require(left >= amount, "allowance");
        if (left != type(uint256).max) allowance[from][msg.sender] = left - amount;
    }

    function move(address from, address to, uint256 amount) internal virtual {
        require(balanceOf[from] >= amount, "balance");
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
        emit Transfer(from, to, amount);
    }
}

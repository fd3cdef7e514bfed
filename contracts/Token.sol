// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// The part of ERC-20 that the vault uses.
interface IERC20 {
    function balanceOf(address holder) external view returns (uint256);
    function transfer(address to, uint256 amount) external returns (bool);
    function transferFrom(address from, address to, uint256 amount) external returns (bool);
}

/// Transfers that are believed only when the token did them: some tokens revert, some return false, some return nothing.
library SafeTransfer {
    error TransferFailed();

    /// What arrived, which is less than was sent when the token keeps a fee.
    function pull(IERC20 token, address from, uint256 amount) internal returns (uint256) {
        uint256 before = token.balanceOf(address(this));
        require(done(token, abi.encodeCall(IERC20.transferFrom, (from, address(this), amount))), TransferFailed());
        return token.balanceOf(address(this)) - before;
    }

    /// A token that takes more from the vault than was sent would take it from everybody else.
    function push(IERC20 token, address to, uint256 amount) internal {
        uint256 before = token.balanceOf(address(this));
        require(done(token, abi.encodeCall(IERC20.transfer, (to, amount))), TransferFailed());
        require(token.balanceOf(address(this)) + amount >= before, TransferFailed());
    }

    function done(IERC20 token, bytes memory call) private returns (bool) {
        (bool succeeded, bytes memory result) = address(token).call(call);
        if (!succeeded) return false;
        // A call of an address without code succeeds, too.
        if (result.length == 0) return address(token).code.length > 0;
        return result.length >= 32 && uint256(bytes32(result)) == 1;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// A wallet that is a contract. When a token tells it that tokens moved, it does once what was planned.
contract Wallet {
    address private target;
    bytes private planned;
    /// What became of the plan: the error's data, or nothing.
    bytes public outcome;
    bool public tried;

    function plan(address target_, bytes calldata call) external {
        (target, planned, tried, outcome) = (target_, call, false, "");
    }

    function tokensMoved() external {
        if (planned.length == 0) return;
        bytes memory call = planned;
        delete planned;
        (bool succeeded, bytes memory result) = target.call(call);
        tried = true;
        if (!succeeded) outcome = result;
    }

    /// Anybody may have it call anything: it is for tests.
    function run(address to, bytes calldata call) external returns (bytes memory) {
        (bool succeeded, bytes memory result) = to.call(call);
        if (!succeeded) {
            assembly {
                revert(add(result, 32), mload(result))
            }
        }
        return result;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RentalVault} from "../RentalVault.sol";
import {Roles} from "../Roles.sol";

/// Everything that a vault says of itself, in one call.
contract Snapshot {
    struct Account {
        uint128 balance;
        uint128 spent;
        uint128 cap;
        uint64 exitAt;
        uint128 withdrawn;
        uint128 credited;
        uint128 earningsWithdrawn;
        uint256 tokens;
    }

    struct Batch {
        bytes32 hash;
        uint64 executableAt;
        address proposer;
    }

    struct State {
        uint64 proposed;
        uint64 lastExecuted;
        uint64 pausedUntil;
        uint128 fees;
        uint256 held;
        address[3] holders;
        address[3] next;
        uint64[3] from;
    }

    function take(RentalVault vault, address[] calldata wallets)
        external
        view
        returns (State memory state, Account[] memory accounts, Batch[] memory batches)
    {
        state.proposed = vault.proposed();
        state.lastExecuted = vault.lastExecuted();
        state.pausedUntil = vault.pausedUntil();
        state.fees = vault.fees();
        state.held = vault.token().balanceOf(address(vault));
        state.holders = [vault.operator(), vault.guardian(), vault.treasury()];
        for (uint8 role = 0; role < 3; role++) {
            (state.next[role], state.from[role]) = vault.announced(Roles.Role(role));
        }
        accounts = new Account[](wallets.length);
        for (uint256 i = 0; i < wallets.length; i++) accounts[i] = account(vault, wallets[i]);
        batches = new Batch[](state.proposed);
        for (uint64 n = 0; n < state.proposed; n++) {
            (batches[n].hash, batches[n].executableAt, batches[n].proposer) = vault.batches(n + 1);
        }
    }

    function account(RentalVault vault, address wallet) private view returns (Account memory a) {
        (a.balance, a.spent, a.cap, a.exitAt, a.withdrawn) = vault.customers(wallet);
        (a.credited, a.earningsWithdrawn) = vault.payees(wallet);
        a.tokens = vault.token().balanceOf(wallet);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// The two messages that are signed for a vault (EIP-712), and the check of their signatures.
abstract contract Permits {
    bytes32 private constant DOMAIN =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant SPEND_PERMIT = keccak256("SpendPermit(address customer,uint128 cumulativeCap)");
    bytes32 private constant WITHDRAW_PERMIT =
        keccak256("WithdrawPermit(address customer,uint128 cumulativeWithdrawn,uint64 deadline)");
    /// Half of the order of secp256k1. A signature with a larger s is a copy that somebody made of another one.
    uint256 private constant LARGEST_S = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    error BadSignature();

    /// Made anew each time: after a fork of the chain it has to be another one.
    function DOMAIN_SEPARATOR() public view returns (bytes32) {
        return
            keccak256(
                abi.encode(DOMAIN, keccak256("WorldLand Vault"), keccak256("1"), block.chainid, address(this))
            );
    }

    /// Signed by a customer: up to this total, the vault may be drawn on.
    function requireSpendPermit(address customer, uint128 cap, bytes calldata signature) internal view {
        requireSigned(keccak256(abi.encode(SPEND_PERMIT, customer, cap)), signature, customer);
    }

    /// Signed by the operator: up to this total, the customer's money is free.
    function requireWithdrawPermit(
        address customer,
        uint128 cumulative,
        uint64 deadline,
        bytes calldata signature,
        address operator
    ) internal view {
        requireSigned(keccak256(abi.encode(WITHDRAW_PERMIT, customer, cumulative, deadline)), signature, operator);
    }

    function requireSigned(bytes32 message, bytes calldata signature, address signer) private view {
        require(signature.length == 65, BadSignature());
        bytes32 r = bytes32(signature[:32]);
        bytes32 s = bytes32(signature[32:64]);
        uint8 v = uint8(signature[64]);
        require(uint256(s) <= LARGEST_S && (v == 27 || v == 28), BadSignature());
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", DOMAIN_SEPARATOR(), message));
        address recovered = ecrecover(digest, v, r, s);
        // ecrecover answers a wrong signature with the zero address.
        require(recovered != address(0) && recovered == signer, BadSignature());
    }
}

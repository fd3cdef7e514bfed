// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// Who holds a role, and who will from a time on that everybody could see for 48 hours.
abstract contract Roles {
    enum Role {
        Operator,
        Guardian,
        Treasury
    }

    struct Holder {
        address present;
        /// In force from `from` on; 0: nobody was announced.
        address next;
        uint64 from;
    }

    uint64 public constant ADMIN_DELAY = 48 hours;

    /// Announces who gets a role, and can do nothing else. Meant to be a Safe, which changes its own owners.
    address public immutable admin;
    mapping(Role => Holder) private holders;

    event RoleAnnounced(Role indexed role, address indexed holder, uint64 from);

    error NotAdmin();
    error InvalidAddress();

    constructor(address admin_, address operator_, address guardian_, address treasury_) {
        requireSomebody(admin_);
        admin = admin_;
        appoint(Role.Operator, operator_);
        appoint(Role.Guardian, guardian_);
        appoint(Role.Treasury, treasury_);
    }

    /// Each of the three takes effect by itself after `ADMIN_DELAY`. To call it off, announce the present holder.
    function setOperator(address next) external {
        announce(Role.Operator, next);
    }

    function setGuardian(address next) external {
        announce(Role.Guardian, next);
    }

    function setTreasury(address next) external {
        announce(Role.Treasury, next);
    }

    function operator() public view returns (address) {
        return holderOf(Role.Operator);
    }

    function guardian() public view returns (address) {
        return holderOf(Role.Guardian);
    }

    function treasury() public view returns (address) {
        return holderOf(Role.Treasury);
    }

    /// Who was announced and is not in force yet; zeros if nobody is.
    function announced(Role role) external view returns (address next, uint64 from) {
        Holder storage holder = holders[role];
        if (block.timestamp < holder.from) return (holder.next, holder.from);
    }

    function announce(Role role, address next) private {
        require(msg.sender == admin, NotAdmin());
        requireSomebody(next);
        uint64 from = uint64(block.timestamp) + ADMIN_DELAY;
        holders[role] = Holder(holderOf(role), next, from);
        emit RoleAnnounced(role, next, from);
    }

    function appoint(Role role, address holder) private {
        requireSomebody(holder);
        holders[role].present = holder;
        emit RoleAnnounced(role, holder, uint64(block.timestamp));
    }

    function holderOf(Role role) private view returns (address) {
        Holder storage holder = holders[role];
        uint64 from = holder.from;
        return from != 0 && block.timestamp >= from ? holder.next : holder.present;
    }

    /// Nobody can act for these two: what they get is lost.
    function requireSomebody(address who) internal view {
        require(who != address(0) && who != address(this), InvalidAddress());
    }
}

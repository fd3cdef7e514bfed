// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Pause} from "./Pause.sol";
import {Permits} from "./Permits.sol";
import {Roles} from "./Roles.sol";
import {IERC20, SafeTransfer} from "./Token.sol";

/// Testnet, unaudited. Holds what customers deposited and what providers earned, in one token.
///
/// All amounts that somebody signs or proposes are totals since the beginning: a draw, a credit, a cap, a withdrawal.
/// So a message that arrives twice, late, or after a newer one, changes nothing that it should not.
contract RentalVault is Roles, Pause, Permits {
    using SafeTransfer for IERC20;

    struct Draw {
        address customer;
        uint128 cumulative;
    }

    struct Credit {
        address payee;
        uint128 cumulative;
    }

    struct Permit {
        address customer;
        uint128 cap;
        bytes signature;
    }

    /// deposited = balance + spent + withdrawn.
    struct Customer {
        uint128 balance;
        uint128 spent;
        /// What `spent` may grow to.
        uint128 cap;
        /// From then on `exit` gives the balance out; 0: no exit was requested.
        uint64 exitAt;
        uint128 withdrawn;
    }

    struct Payee {
        uint128 credited;
        uint128 withdrawn;
    }

    struct Batch {
        /// 0: vetoed, or never proposed.
        bytes32 hash;
        uint64 executableAt;
        /// Who was operator then. A batch does not outlive its operator.
        address proposer;
    }

    uint64 public proposed;
    uint64 public lastExecuted;
    IERC20 public immutable token;
    /// Seconds between the proposal of a batch and its execution.
    uint64 public immutable batchDelay;
    /// Seconds between the request of an exit and the exit.
    uint64 public immutable exitDelay;
    /// The treasury's, until it sweeps them: what was drawn and is credited to nobody.
    uint128 public fees;

    mapping(address => Customer) public customers;
    mapping(address => Payee) public payees;
    mapping(uint64 => Batch) public batches;

    event Deposited(address indexed customer, address indexed from, uint128 amount);
    event CapRaised(address indexed customer, uint128 cap);
    event BatchProposed(uint64 indexed number, bytes32 indexed hash, uint64 executableAt);
    event BatchVetoed(uint64 indexed number);
    event BatchExecuted(uint64 indexed number, uint128 drawn, uint128 credited);
    event Withdrawn(address indexed customer, address indexed to, uint128 amount);
    event EarningsWithdrawn(address indexed payee, address indexed to, uint128 amount);
    event FeesSwept(address indexed to, uint128 amount);
    event ExitRequested(address indexed customer, uint64 exitAt);
    event ExitCancelled(address indexed customer);
    event Exited(address indexed customer);

    error NotOperator();
    error NotTreasury();
    error Stale();
    error UnknownBatch();
    error Unbalanced();
    error CapExceeded(address customer);
    error InsufficientBalance(address customer);
    error Expired();
    error ZeroAmount();
    error InvalidDelay();
    error ExitPending();
    error NoExit();

    /// @param batchDelay_ at least a second; 12 hours where the money is real
    /// @param exitDelay_ 7 days where the money is real: a pause and a batch have to fit in
    constructor(
        IERC20 token_,
        address admin_,
        address operator_,
        address guardian_,
        address treasury_,
        uint64 batchDelay_,
        uint64 exitDelay_
    ) Roles(admin_, operator_, guardian_, treasury_) {
        require(address(token_).code.length > 0, InvalidAddress());
        require(batchDelay_ > 0 && batchDelay_ <= 7 days, InvalidDelay());
        require(exitDelay_ >= 2 * batchDelay_ && exitDelay_ <= 30 days, InvalidDelay());
        token = token_;
        batchDelay = batchDelay_;
        exitDelay = exitDelay_;
    }

    // Customers

    /// Credits what arrives. The cap counts only if the customer himself sends: nobody else may spend for him.
    function deposit(address customer, uint128 amount, uint128 newCap) external nonReentrant whileRunning {
        requireSomebody(customer);
        uint128 arrived = narrow(token.pull(msg.sender, amount));
        require(arrived > 0, ZeroAmount());
        customers[customer].balance += arrived;
        emit Deposited(customer, msg.sender, arrived);
        if (msg.sender == customer && newCap > customers[customer].cap) setCap(customer, newCap);
    }

    /// By anybody who has the customer's signature, or by the customer himself without one: a contract has no key.
    function raiseCap(address customer, uint128 cap, bytes calldata signature) external {
        require(cap > customers[customer].cap, Stale());
        if (msg.sender != customer) requireSpendPermit(customer, cap, signature);
        setCap(customer, cap);
    }

    /// What the operator says is not needed for jobs. The sender is the customer; nobody else can use his permit.
    function withdraw(address to, uint128 cumulative, uint64 deadline, bytes calldata operatorSignature)
        external
        nonReentrant
    {
        requireSomebody(to);
        require(block.timestamp <= deadline, Expired());
        uint128 withdrawn = customers[msg.sender].withdrawn;
        require(cumulative > withdrawn, Stale());
        requireWithdrawPermit(msg.sender, cumulative, deadline, operatorSignature, operator());
        payOut(to, cumulative - withdrawn);
    }

    /// The way out that needs nobody's consent. Draws go on until then.
    function requestExit() external {
        require(customers[msg.sender].exitAt == 0, ExitPending());
        uint64 exitAt = uint64(block.timestamp) + exitDelay;
        customers[msg.sender].exitAt = exitAt;
        emit ExitRequested(msg.sender, exitAt);
    }

    function cancelExit() external {
        require(customers[msg.sender].exitAt != 0, NoExit());
        customers[msg.sender].exitAt = 0;
        emit ExitCancelled(msg.sender);
    }

    /// The whole balance.
    function exit(address to) external nonReentrant {
        requireSomebody(to);
        Customer storage customer = customers[msg.sender];
        require(customer.exitAt != 0, NoExit());
        require(block.timestamp >= customer.exitAt, TooEarly());
        customer.exitAt = 0;
        emit Exited(msg.sender);
        payOut(to, customer.balance);
    }

    // Batches

    /// @param hash keccak256(abi.encode(chain id, this vault, draws, credits))
    function propose(uint64 number, bytes32 hash) external whileRunning {
        address proposer = operator();
        require(msg.sender == proposer, NotOperator());
        require(number == proposed + 1, Stale());
        proposed = number;
        uint64 executableAt = uint64(block.timestamp) + batchDelay;
        batches[number] = Batch(hash, executableAt, proposer);
        emit BatchProposed(number, hash, executableAt);
    }

    function veto(uint64 number) external {
        requireGuardian();
        require(number > lastExecuted, Stale());
        require(batches[number].hash != 0, UnknownBatch());
        batches[number].hash = 0;
        emit BatchVetoed(number);
    }

    /// By anybody, after the delay, all or nothing. Batches with lower numbers are void then: this one has their totals.
    /// Permits that raise nothing are passed over, for somebody may have brought them before.
    function execute(uint64 number, Draw[] calldata draws, Credit[] calldata credits, Permit[] calldata permits)
        external
        nonReentrant
        whileRunning
    {
        requireExecutable(number, keccak256(abi.encode(block.chainid, address(this), draws, credits)));
        lastExecuted = number;
        for (uint256 i = 0; i < permits.length; i++) {
            Permit calldata permit = permits[i];
            if (permit.cap <= customers[permit.customer].cap) continue;
            requireSpendPermit(permit.customer, permit.cap, permit.signature);
            setCap(permit.customer, permit.cap);
        }
        uint128 drawn = drawAll(draws);
        uint256 credited = creditAll(credits);
        uint256 available = uint256(fees) + drawn;
        require(credited <= available, Unbalanced());
        fees = narrow(available - credited);
        emit BatchExecuted(number, drawn, narrow(credited));
    }

    // Payees and the treasury

    function withdrawEarnings(address to) external nonReentrant {
        requireSomebody(to);
        Payee storage payee = payees[msg.sender];
        uint128 amount = payee.credited - payee.withdrawn;
        require(amount > 0, ZeroAmount());
        payee.withdrawn = payee.credited;
        emit EarningsWithdrawn(msg.sender, to, amount);
        token.push(to, amount);
    }

    /// By the treasury alone: where a day is cut into several batches, its draws wait here for its credits.
    function sweepFees() external nonReentrant {
        require(msg.sender == treasury(), NotTreasury());
        uint128 amount = fees;
        require(amount > 0, ZeroAmount());
        fees = 0;
        emit FeesSwept(msg.sender, amount);
        token.push(msg.sender, amount);
    }

    // Steps

    function payOut(address to, uint128 amount) private {
        Customer storage customer = customers[msg.sender];
        require(amount > 0, ZeroAmount());
        require(amount <= customer.balance, InsufficientBalance(msg.sender));
        customer.balance -= amount;
        customer.withdrawn += amount;
        emit Withdrawn(msg.sender, to, amount);
        token.push(to, amount);
    }

    function setCap(address customer, uint128 cap) private {
        customers[customer].cap = cap;
        emit CapRaised(customer, cap);
    }

    function requireExecutable(uint64 number, bytes32 hash) private view {
        require(number > lastExecuted, Stale());
        Batch storage batch = batches[number];
        require(batch.hash != 0 && batch.hash == hash, UnknownBatch());
        require(block.timestamp >= batch.executableAt, TooEarly());
        require(batch.proposer == operator(), NotOperator());
    }

    function drawAll(Draw[] calldata draws) private returns (uint128 drawn) {
        for (uint256 i = 0; i < draws.length; i++) {
            Draw calldata draw = draws[i];
            Customer storage customer = customers[draw.customer];
            (uint128 balance, uint128 spent) = (customer.balance, customer.spent);
            if (draw.cumulative <= spent) continue;
            uint128 amount = draw.cumulative - spent;
            require(draw.cumulative <= customer.cap, CapExceeded(draw.customer));
            require(amount <= balance, InsufficientBalance(draw.customer));
            (customer.balance, customer.spent) = (balance - amount, draw.cumulative);
            drawn += amount;
        }
    }

    /// In 256 bits, so that what is too much is refused as such.
    function creditAll(Credit[] calldata credits) private returns (uint256 credited) {
        for (uint256 i = 0; i < credits.length; i++) {
            Credit calldata credit = credits[i];
            Payee storage payee = payees[credit.payee];
            uint128 before = payee.credited;
            if (credit.cumulative <= before) continue;
            payee.credited = credit.cumulative;
            credited += credit.cumulative - before;
        }
    }

    function narrow(uint256 amount) private pure returns (uint128) {
        require(amount <= type(uint128).max, Unbalanced());
        return uint128(amount);
    }
}

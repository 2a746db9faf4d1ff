using ControlPlane.Adapters.Choria;
using ControlPlane.Nodes;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <param name="Request">The plain request's JSON: what the signature is over.</param>
/// <param name="Token">The token of who asks.</param>
/// <param name="Signature">Hexadecimal signature of the token's key.</param>
public sealed record SignatureQuestion(ReadOnlyMemory<byte> Request, string Token, string Signature);

/// <summary>What was found of a question that proves who asks.</summary>
/// <param name="Request">The request, in the name that nodes are to see.</param>
/// <param name="Asked">The same as it was sent.</param>
/// <param name="Claims">The claims of the token.</param>
/// <param name="Agent">The agent that is to act.</param>
/// <param name="Action">What it is to do.</param>
/// <param name="Inputs">The inputs of the action, as JSON.</param>
internal sealed record ProvenRequest(
    PlainRequest Request, PlainRequest Asked, ClientClaims Claims, string Agent, string Action, ReadOnlyMemory<byte> Inputs);

/// <summary>Why a request is not signed.</summary>
/// <param name="Kind">For metrics.</param>
/// <param name="Detail">In words that hold no secret.</param>
/// <param name="Caller">In whose name it was asked, as far as anybody said so; not proven.</param>
internal sealed record SignatureFault(SignatureRefusal Kind, string Detail, string? Caller = null)
{
    /// <summary>The claims of a good token that was shown without its key; null otherwise.</summary>
    public ClientClaims? Unproven { get; init; }
}

/// <summary>What became of a question, for metrics.</summary>
internal enum SignatureRefusal
{
    Malformed = 0,
    Token = 1,
    Proof = 2,
    Denied = 3,
    Unrecorded = 4,
    Limited = 5,
}

/// <summary>Judges who asks for a signature and what under, by what the question holds. Asks nobody; thread-safe.</summary>
internal sealed class SignatureCheck(IOptions<ChoriaSigningOptions> options, IOptions<ProvisioningOptions> provisioning, TimeProvider time)
{
    /// <summary>What the DDL of <c>aaa_signer</c> allows.</summary>
    public const int RequestBytesMax = 100_240;

    private const string Ping = "ping";

    private readonly TokenTrust trust = TokenTrust.InOrganizations(provisioning.Value.Issuers);

    /// <summary>What is proven; null with the fault.</summary>
    public ProvenRequest? Judge(SignatureQuestion question, out SignatureFault? fault)
    {
        var now = time.GetUtcNow();
        if (question.Request.Length > RequestBytesMax)
        {
            return Refuse(SignatureRefusal.Malformed, $"the request is larger than {RequestBytesMax} bytes", null, out fault);
        }

        if (!PlainRequest.TryRead(question.Request, out var asked, out var unreadable))
        {
            return Refuse(
                SignatureRefusal.Malformed, $"the request cannot be read: {unreadable.Field} {unreadable.Problem}", null, out fault);
        }

        var caller = asked.Request.Caller;
        if (!trust.TryVerify(question.Token, now, out ClientClaims? claims, out var refusal))
        {
            return Refuse(SignatureRefusal.Token, $"the token is refused: {refusal.Detail}", caller, out fault);
        }

        if ((TokenFault(claims, asked.Request.Protocol, now) ?? CallerFault(claims, caller)) is { } unfit)
        {
            return Refuse(SignatureRefusal.Token, unfit, caller, out fault);
        }

        if (!Ed25519Key.VerifyHex(claims.PublicKey, question.Request.Span, question.Signature))
        {
            const string Unsigned = "the request is not signed by the key of the token";
            fault = new SignatureFault(SignatureRefusal.Proof, Unsigned, caller) { Unproven = claims };
            return null;
        }

        if (FormFault(asked.Request, now) is { } misshapen)
        {
            return Refuse(SignatureRefusal.Malformed, misshapen, caller, out fault);
        }

        return ActionOf(asked.Request, out var agent, out var action, out var inputs) is { } unclear
            ? Refuse(SignatureRefusal.Malformed, unclear, caller, out fault)
            : Accept(new ProvenRequest(asked.InNameOf(NameFor(claims)), asked, claims, agent, action, inputs), out fault);
    }

    private string? TokenFault(ClientClaims claims, ChoriaProtocol protocol, DateTimeOffset now)
    {
        if (ChoriaCallers.IdFaultOf(claims) is { } unnamed)
        {
            return unnamed;
        }

        // The same bound as the AAA service's max_validity: a token for years that leaks is a problem for years.
        if (claims.ExpiresAt - now > options.Value.OtherTokensLifetimeMax && claims.Permissions is not { LongLived: true })
        {
            return $"the token ends later than {options.Value.OtherTokensLifetimeMax} from now, and has no permission service";
        }

        // Nodes look at it, and would drop the request without a word.
        return protocol == ChoriaProtocol.V2
            && claims.Permissions is not ({ FleetManagement: true } or { SignedFleetManagement: true })
                ? "the token has neither the permission fleet_management nor signed_fleet_management"
                : null;
    }

    private static string? CallerFault(ClientClaims claims, string caller) => caller == claims.CallerId || caller == NameFor(claims)
        ? null
        : "the request names another caller than the token";

    // As the AAA service writes callers, which policies on nodes are written for.
    private static string NameFor(ClientClaims claims) => claims.CallerId.Replace('@', '_').Replace('.', '_');

    private string? FormFault(ChoriaRequest request, DateTimeOffset now) =>
        TimeSpan.FromSeconds(request.TimeToLiveSeconds) > options.Value.RequestLifetimeMax
            ? $"the request's time to live is longer than {options.Value.RequestLifetimeMax}"
        : !request.IsFresh(now) ? "the request's time to live is over, or its clock is ahead"
        : null;

    // Nodes act by the envelope's agent, and authorise the body's: what is judged here is what is done there only where they are one.
    private static string? ActionOf(ChoriaRequest request, out string agent, out string action, out ReadOnlyMemory<byte> inputs)
    {
        (agent, action, inputs) = (request.Agent, Ping, default);
        if (request.Agent == Discovery.Agent)
        {
            return Discovery.IsPing(request.Body.Span) ? null : "a discovery request carries a ping and nothing else";
        }

        if (!RpcRequest.TryDecode(request.Body, out var rpc, out var unreadable))
        {
            return $"the request's body is no RPC request: {unreadable.Field} {unreadable.Problem}";
        }

        (action, inputs) = (rpc.Action, rpc.Data);
        return rpc.Agent == request.Agent ? null : "the request's body names another agent than its envelope";
    }

    private static ProvenRequest? Refuse(SignatureRefusal kind, string detail, string? caller, out SignatureFault? fault)
    {
        fault = new SignatureFault(kind, detail, caller);
        return null;
    }

    private static ProvenRequest Accept(ProvenRequest proven, out SignatureFault? fault)
    {
        fault = null;
        return proven;
    }
}

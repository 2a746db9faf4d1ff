using System.Diagnostics;
using ControlPlane.Access;
using Microsoft.Extensions.Logging;

namespace ControlPlane.Adapters.Fleet.Signing;

/// <summary>Signs requests of Choria's clients, each judged and recorded before its signature exists. Thread-safe.</summary>
public sealed partial class ChoriaSigner
{
    private readonly SignatureCheck check;
    private readonly SignatureRights rights;
    private readonly RequestSealer sealer;
    private readonly SigningMeter meter;
    private readonly TimeProvider time;
    private readonly ILogger<ChoriaSigner> logger;

    internal ChoriaSigner(
        SignatureCheck check,
        SignatureRights rights,
        RequestSealer sealer,
        SigningMeter meter,
        TimeProvider time,
        ILogger<ChoriaSigner> logger)
    {
        (this.check, this.rights, this.sealer, this.meter, this.time, this.logger) = (check, rights, sealer, meter, time, logger);
    }

    /// <summary>Signs a request, or says why not. A request that was signed is not signed again.</summary>
    /// <param name="question">What is to be signed, and for whom.</param>
    /// <param name="way">How the question came.</param>
    /// <param name="address">From where; null when that is not known.</param>
    /// <param name="cancellationToken">Ends the wait for the decision and its record.</param>
    public async Task<SignatureAnswer> SignAsync(
        SignatureQuestion question, SignatureWay way, string? address, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();
        byte[]? signed = null;
        var fault = await JudgeAsync(question, address, request => signed = request, cancellationToken);
        meter.CountSignature(way, fault?.Kind, time.GetElapsedTime(begun));
        if (fault is null)
        {
            return new SignatureAnswer.Signed(signed ?? throw new UnreachableException());
        }

        LogRefused(fault.Caller ?? "nobody", address, fault.Detail);
        return new SignatureAnswer.Refused(fault.Detail);
    }

    private async Task<SignatureFault?> JudgeAsync(
        SignatureQuestion question, string? address, Action<byte[]> give, CancellationToken cancellationToken)
    {
        if (await rights.FindLockAsync(address) is { } locked)
        {
            return locked;
        }

        if (check.Judge(question, out var fault) is not { } proven)
        {
            // Who cannot show a token that is good was not signed in; a request that cannot be read is nobody's.
            await (fault is { Kind: not SignatureRefusal.Malformed }
                ? rights.RecordUnprovenAsync(fault, address)
                : Task.CompletedTask);
            return fault;
        }

        var protocol = proven.Request.Request.Protocol;
        return sealer.CanSeal(protocol)
            ? await rights.UseAsync(proven, address, () => give(sealer.Seal(proven.Request)), cancellationToken)
            : new SignatureFault(SignatureRefusal.Denied, $"requests of protocol {protocol} are not signed here", proven.Claims.CallerId);
    }

    [LoggerMessage(LogLevel.Warning, "A request of {Caller} from {Address} was not signed: {Reason}")]
    private partial void LogRefused(string caller, string? address, string reason);
}

/// <summary>What becomes of a request that is to be signed.</summary>
public abstract record SignatureAnswer
{
    private SignatureAnswer()
    {
    }

    /// <param name="SecureRequest">The secure request's JSON.</param>
    public sealed record Signed(ReadOnlyMemory<byte> SecureRequest) : SignatureAnswer;

    /// <param name="Reason">Why not, in words.</param>
    public sealed record Refused(string Reason) : SignatureAnswer;
}

using System.Security.Cryptography;
using ControlPlane.Adapters.Choria;
using ControlPlane.Placement;
using ControlPlane.Store;
using Microsoft.Extensions.Options;

namespace ControlPlane.Adapters.Fleet.Sites;

/// <summary>Signs what this site says to others, and judges what they say. Thread-safe.</summary>
/// <remarks>
/// A question is taken once, within <see cref="Window"/> of the time at which it was signed: its nonce is kept for longer than any silo
/// would take it. It is recorded before it is answered, so that a silo that dies in between leaves it unanswered; whoever asked signs anew.
/// </remarks>
internal sealed class SiteSeals(IOptions<SitesOptions> options, IOptions<OverlaysOptions> overlays, IAskedOnce asked, TimeProvider time)
    : IDisposable
{
    /// <summary>How far a question's time may be from this silo's: the longest patience of those who ask, and what clocks differ.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(2);

    // By the clock of the silo that is furthest ahead, then by that of the one that is furthest behind, and the rest for Redis' own.
    private static readonly TimeSpan KeptFor = 3 * Window;

    private readonly Ed25519Key? key = options.Value.ReadKey();

    private string Here => overlays.Value.Local;

    /// <summary>Signs a question to another site; null where sites have no keys.</summary>
    public SiteSeal? SealQuestion(string site, string channel, byte[] question)
    {
        var nonce = RandomNumberGenerator.GetHexString(SiteSeal.NonceDigits, lowercase: true);
        return key is null ? null : SiteSeal.Of(key, Question(Here, site, channel, question), time.GetUtcNow(), nonce);
    }

    /// <summary>The site that asked this one; null where sites have no keys.</summary>
    /// <exception cref="SiteRefusedException">It is not to be answered.</exception>
    /// <exception cref="StoreUnavailableException">It cannot be known whether it was asked before.</exception>
    public async Task<SiteSeal?> OpenQuestionAsync(string? header, string channel, byte[] question, CancellationToken cancellationToken)
    {
        if (key is null)
        {
            return null;
        }

        var seal = SiteSeal.ReadOrNull(header) ?? throw new SiteRefusedException("it is not signed by a site");
        if (!seal.IsOf(KeysOf(seal.From), Question(seal.From, Here, channel, question)))
        {
            throw new SiteRefusedException(
                $"it says that it is of {seal.From}, and is signed by no key of Sites:PublicKeys:{seal.From}, "
                + "or is for another site or channel");
        }

        var latest = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();
        var age = time.GetUtcNow() - DateTimeOffset.FromUnixTimeMilliseconds(Math.Min(seal.At, latest));
        if (age.Duration() > Window)
        {
            throw new SiteRefusedException($"it was signed by {seal.From} {age} ago: it is old, or clocks differ by more than {Window}");
        }

        return await asked.TryRecordAsync($"{seal.From}:{seal.Nonce}", KeptFor, cancellationToken)
            ? seal
            : throw new SiteRefusedException($"it was asked before: somebody repeats what {seal.From} has said");
    }

    /// <summary>Signs the answer to a question; null where sites have no keys.</summary>
    public SiteSeal? SealAnswer(SiteSeal? asker, string channel, byte[] question, byte[] answer) => key is null || asker is null
        ? null
        : SiteSeal.Of(key, Answer(Here, asker.From, channel, question, answer), time.GetUtcNow(), asker.Nonce);

    /// <summary>What is wrong with an answer; null when it is the asked site's to this very question.</summary>
    public string? AnswerFault(SiteSeal? asked, string site, string channel, byte[] question, string? header, byte[] answer)
    {
        if (asked is null)
        {
            return null;
        }

        var seal = SiteSeal.ReadOrNull(header);
        return seal is not null && seal.From == site && seal.Nonce == asked.Nonce
            && seal.IsOf(KeysOf(site), Answer(site, Here, channel, question, answer))
                ? null
                : $"it is not signed by a key of Sites:PublicKeys:{site}, or answers something else";
    }

    public void Dispose() => key?.Dispose();

    private List<string> KeysOf(string site) => options.Value.PublicKeys.GetValueOrDefault(site) ?? [];

    private SealedMessage Question(string from, string to, string channel, byte[] question) =>
        new(overlays.Value.Region, from, to, channel, question);

    private SealedMessage Answer(string from, string to, string channel, byte[] question, byte[] answer) =>
        new(overlays.Value.Region, from, to, channel, answer, question);
}

/// <summary>A question is not to be answered; the message says why.</summary>
internal sealed class SiteRefusedException(string message) : Exception(message);

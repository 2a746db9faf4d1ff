namespace ControlPlane.Sites;

/// <summary>
/// Carries a question to another site and its answer back. A site is where silos run: one cluster, named after the overlay it serves first.
/// </summary>
/// <remarks>
/// Thread-safe. Every question may be asked again: an answer that does not come says nothing of what was done. What must not be lost does
/// not go this way.
/// </remarks>
public interface ISiteLink
{
    /// <summary>The bytes that a question or an answer may have: NATS itself refuses more by default.</summary>
    const int MessageBytesMax = 1 << 20;

    /// <summary>Asks a site and waits for its answer.</summary>
    /// <param name="site">The site's name.</param>
    /// <param name="channel">What it is about: those who answer on it read its messages.</param>
    /// <param name="question">At most <see cref="MessageBytesMax"/>.</param>
    /// <param name="patience">How long to wait.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="SiteUnreachableException">It did not answer in time, or cannot be reached at all.</exception>
    Task<byte[]> AskAsync(string site, string channel, byte[] question, TimeSpan patience, CancellationToken cancellationToken);
}

/// <summary>Answers what other sites ask on one channel.</summary>
public interface ISiteChannel
{
    /// <summary>Its name, with the version of its messages: a token of a NATS subject.</summary>
    string Name { get; }

    /// <summary>The answer to a question of another site. Whoever asked hears nothing when this throws.</summary>
    /// <param name="asker">The site whose key signed the question; null in a region whose sites have no keys.</param>
    /// <param name="question">What it asked.</param>
    /// <param name="cancellationToken">Ends the answering.</param>
    /// <exception cref="FormatException">The question cannot be read, or is not for the one who asked to ask.</exception>
    Task<byte[]> AnswerAsync(string? asker, ReadOnlyMemory<byte> question, CancellationToken cancellationToken);
}

/// <summary>A site did not answer: whether it did what it was asked is unknown.</summary>
[GenerateSerializer, Alias("ControlPlane.SiteUnreachableException")]
public sealed class SiteUnreachableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>For a region that is one cluster: there is nobody to ask.</summary>
internal sealed class NoSiteLink : ISiteLink
{
    public Task<byte[]> AskAsync(
        string site, string channel, byte[] question, TimeSpan patience, CancellationToken cancellationToken) =>
        Task.FromException<byte[]>(new SiteUnreachableException($"this silo has no way to ask {site}"));
}

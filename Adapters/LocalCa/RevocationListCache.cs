using System.Globalization;
using System.Numerics;
using ControlPlane.Certificates;

namespace ControlPlane.Adapters.LocalCa;

/// <summary>Keeps the signed lists until something was revoked or half their lifetime has passed. Thread-safe.</summary>
internal sealed class RevocationListCache(LocalCaOptions options, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim making = new(1, 1);
    private Made? made;

    public async Task<IReadOnlyList<byte[]>> GetAsync(
        AuthorityGenerations generations, RevocationJournal journal, CancellationToken cancellationToken)
    {
        await making.WaitAsync(cancellationToken);
        try
        {
            return await MakeOrKeepAsync(generations, journal, cancellationToken);
        }
        catch (Exception away) when (away is IOException or UnauthorizedAccessException)
        {
            throw new IssuerUnavailableException($"no revocation list can be made in {options.DataFolder}: {away.Message}", away);
        }
        finally
        {
            making.Release();
        }
    }

    public void Dispose() => making.Dispose();

    private async Task<IReadOnlyList<byte[]>> MakeOrKeepAsync(
        AuthorityGenerations generations, RevocationJournal journal, CancellationToken cancellationToken)
    {
        var all = await journal.ReadAsync(cancellationToken);
        var now = time.GetUtcNow();
        if (made is { } current
            && current.Count == all.Count
            && now < current.At + (options.RevocationListLifetime / 2)
            && now >= current.At)
        {
            return current.Lists;
        }

        var number = await NextNumberAsync(cancellationToken);
        var lists = generations.LivingAt(now)
            .Select(authority => RevocationListWriter.Sign(authority, all, number, now, options.RevocationListLifetime))
            .ToList();
        made = new Made(lists, all.Count, now);
        return lists;
    }

    // Kept in the folder: a number must grow over restarts, over all silos and over clocks that step back.
    private async Task<BigInteger> NextNumberAsync(CancellationToken cancellationToken)
    {
        using var held = await FolderLock.AcquireAsync(options.DataFolder, time, cancellationToken);
        var path = Path.Combine(options.DataFolder, "revocation-list.number");
        var last = BigInteger.Zero;
        if (File.Exists(path) && !BigInteger.TryParse(
            await File.ReadAllTextAsync(path, cancellationToken), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out last))
        {
            throw new IssuerMisconfiguredException(
                $"{path} does not hold the number of the last revocation list; write a greater one than any that was published");
        }

        KeyFile.WriteAtomically(path, (last + 1).ToString(CultureInfo.InvariantCulture) + "\n");
        return last + 1;
    }

    private sealed record Made(IReadOnlyList<byte[]> Lists, int Count, DateTimeOffset At);
}

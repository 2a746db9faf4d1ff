namespace ControlPlane.Jobs;

/// <summary>Lets jobs and schedules go on whose silo ended.</summary>
internal sealed class JobRounds(IGrainFactory grains, JobIndex index, JobScheduleIndex schedules)
{
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(20);

    private const int AtOnce = 32;

    public async Task WakeAsync(CancellationToken cancellationToken)
    {
        await WakeAsync(
            await index.ListUnfinishedAsync(cancellationToken),
            job => grains.GetGrain<IInternalJobGrain>(job).Wake(),
            index.RemoveUnfinishedAsync,
            cancellationToken);
        await WakeAsync(
            await index.ListUnfinishedPartsAsync(cancellationToken),
            part => grains.GetGrain<IOverlayJobGrain>(part).Wake(),
            index.RemoveUnfinishedPartAsync,
            cancellationToken);
        await WakeAsync(
            [.. (await schedules.ListAsync(cancellationToken)).Select(schedule => schedule.Name)],
            schedule => grains.GetGrain<IInternalJobScheduleGrain>(schedule).Wake(),
            schedules.RemoveAsync,
            cancellationToken);
    }

    // What is not there was never begun, is settled or was deleted, and its silo ended before it said so.
    private static Task WakeAsync(
        IReadOnlyList<string> unfinished,
        Func<string, Task<bool>> wake,
        Func<string, CancellationToken, Task> remove,
        CancellationToken cancellationToken) =>
        Parallel.ForEachAsync(
            unfinished,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken },
            async (key, token) =>
            {
                if (!await wake(key).WaitAsync(token))
                {
                    await remove(key, token);
                }
            });
}

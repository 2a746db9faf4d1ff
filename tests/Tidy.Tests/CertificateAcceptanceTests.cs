namespace ControlPlane.Tidy.Tests;

/// <summary>Which test covers which of the twelve acceptance tests of certificate issuance, and that each is there.</summary>
public sealed class CertificateAcceptanceTests
{
    public static TheoryData<int, string, string[]> Table => new()
    {
        {
            1, "golden path, on every issuer",
            [
                "CertificateIssuerContract.IssueAsync_SignsExactlyWhatWasOrdered_WhenTheNodeIsAChoriaServer",
                "CertificateIssuerContract.IssueAsync_WritesEveryNameOfTheProfile_WhenItCanBeOrdered",
            ]
        },
        {
            2, "identity binding",
            [
                "SigningRequestCheckTests.Judge_Refuses_EveryNameButTheIdentity",
                "SigningRequestCheckTests.Judge_Refuses_IdentitiesThatAreNoHostNames",
                "HostileRequestsTests.IssueAsync_RefusesEachByItsRule_InTime_WithoutACallToTheCa",
            ]
        },
        {
            3, "key policy",
            [
                "SigningRequestCheckTests.Judge_RefusesRsaKeys_ThatCanBeFactored",
                "CertificateOrdersTests.IssueAsync_Refuses_TheKeyOfAnotherNode_WithoutCallingTheCa",
                "CertificateOrdersTests.IssueAsync_Refuses_AKeyWhoseCertificateWasRevoked",
                "SharedPrimesTests.FindAsync_FindsTheOrdersOfKeysThatShareAPrime",
            ]
        },
        {
            4, "malformed requests",
            [
                "SigningRequestCheckTests.Judge_RefusesInTime_WhenARequestIsCutOrSpoilt",
                "SigningRequestCheckTests.Judge_AllocatesLittle_WhenTenThousandNamesAreAsked",
                "HostileRequestsTests.IssueAsync_RefusesEachByItsRule_InTime_WithoutACallToTheCa",
            ]
        },
        {
            5, "re-provision",
            [
                "NodeGrainTests.Observe_EnrolsAnew_AndThenRevokesThePreviousCertificate",
                "CertificateOrdersTests.Sweep_KeepsTheRevocationDue_WhileTheCaIsAway",
                "CertificateOrdersTests.IssueAsync_NeverLeavesTwoValidCertificates_WhereverTheLedgerFails",
            ]
        },
        {
            6, "idempotency and unknown outcome",
            [
                "CertificateOrdersTests.IssueAsync_GivesTheSameCertificate_WhenTheOrderIsRepeatedAnywhere",
                "CertificateOrdersTests.IssueAsync_FindsTheLostCertificate_WhenTheCaRepeatsItself",
                "CertificateOrdersTests.IssueAsync_SpendsTheOrder_WhenTheAnswerOfACaWithoutMemoryIsLost",
            ]
        },
        {
            7, "back-pressure and failure, on every remote issuer",
            [
                "RemoteCertificateIssuerContract.IssueAsync_SaysWhatTheCallerMustDo_WhenTheCaFails",
                "RemoteCertificateIssuerContract.IssueAsync_IsCaughtByTheCheck_WhenTheCaAnswersSomethingElse",
                "VaultSessionTests.GetTokenAsync_LogsInOnce_WhenHundredsAskAtOnce",
                "VaultAnswersTests.CheckAsync_ReadsVaultsOwnCodes",
                "IssuerGateTests.EnterAsync_LetsOneProbeThrough_AfterTheIssuerFailed",
                "CertificateOrdersTests.IssueAsync_GoesToTheNextIssuer_WhenTheFirstCannot",
                "CfsslOrdersTests.IssueAsync_CertifiesEachNodeOnce_WhenCfsslIsKilledAndFrozen",
            ]
        },
        {
            8, "volume (make bench --filter issuance)",
            [
                "IssuanceVolume.RunOursAsync",
                "LocalCaIssuance.RunOursAsync",
                "CfsslBenchmark.RunOursAsync",
                "VaultBenchmark.RunOursAsync",
                "KeyVaultBenchmark.RunOursAsync",
            ]
        },
        {
            9, "CA rotation",
            [
                "LocalCaFolderTests.Renewal_IsTrustedBeforeItSigns_AndNoCertificateOutlivesItsIssuer",
                "LocalCaRollbackTests.Hold_IsSafe_InEachPhase",
                "IssuedCertificateCheckTests.Faults_FindACertificateThatOutlivesItsIssuer",
            ]
        },
        {
            10, "revocation artefacts",
            [
                "LocalCaFolderTests.GetRevocationListsAsync_IsFastAndNumbered_WithSixtyThousandEntries",
                "LocalCaFolderTests.GetRevocationListsAsync_DropsTheExpired_AndVerifiesWithOpenSsl",
                "CertificateIssuerContract.RevokeAsync_IsRepeatable_WhenTheIssuerCanRevoke",
            ]
        },
        {
            11, "clocks",
            [
                "ClockAndAuditTests.IssueAsync_GivesACertificateThatIsValid_ByTheNodesClock",
                "ClockAndAuditTests.IssueAsync_GoesOn_WhenTheClockStepsBackAnHour",
                "ClockAndAuditTests.History_IsInTheOrderOfItsSequence_WhenTheClockStepsBack",
            ]
        },
        {
            12, "audit",
            [
                "ClockAndAuditTests.History_HasARecordForEachDecision_WithTheHashesThatProveIt",
                "LedgerChainTests.Faults_FindEveryChangeOfEveryRecord",
                "LedgerChainTests.Faults_FindEveryRemoval_AndInsertion",
                "LedgerChainTests.Faults_FindEveryTruncation",
                "PlantedSecretTests.Output_HoldsNoSecret_WhateverEachIssuerMeets",
            ]
        },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public void EachAcceptanceTest_IsCovered(int number, string subject, string[] tests)
    {
        var missing = tests.Where(test => !IsThere(test));

        Assert.True(!missing.Any(), $"{number}, {subject}: {string.Join(", ", missing)}");
    }

    private static bool IsThere(string test) => test.Split('.') is [var type, var method] && Repository.Sources.Any(source =>
        source.Path.StartsWith("tests/", StringComparison.Ordinal)
        && Path.GetFileName(source.Path) is var file
        && (file == $"{type}.cs" || source.Text.Contains($"class {type}", StringComparison.Ordinal))
        && source.Text.Contains($" {method}(", StringComparison.Ordinal));
}

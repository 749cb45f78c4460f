"""`sageseg jobs pipeline`: an experiment's sections as the steps of a SageMaker pipeline, and what its instances run"""
